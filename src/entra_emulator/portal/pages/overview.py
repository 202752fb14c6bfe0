"""An application's first page, its name, its manifest, its end."""

import msgspec
from starlette.responses import Response

from entra_emulator.portal.amend import try_to_amend
from entra_emulator.portal.application import Registration, find_registration
from entra_emulator.portal.ask_graph import ask
from entra_emulator.portal.pages.app_registrations import LONGEST_NAME
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import Visit


def show_overview(visit: Visit) -> Response:
    """`GET …/applications/{app}`: the IDs to copy, and what the application has."""
    app = find_registration(visit)
    redirects = {
        platform: len(app.record[platform]["redirectUris"])
        for platform in ("web", "spa", "publicClient")
    }
    return render(
        visit,
        "overview.html",
        app=app,
        redirects=redirects,
        federated=len(visit.directory.federated_credentials(app.app_id)),
        principal=visit.directory.service_principal(visit.tenant, app.app_id),
    )


def ask_name(visit: Visit) -> Response:
    """`GET …/applications/{app}/branding`: what people see of the application."""
    app = find_registration(visit)
    return _show_form(visit, app, app.record["displayName"], {})


def change_name(visit: Visit) -> Response:
    """`POST …/applications/{app}/branding`: call it that."""
    app, name = find_registration(visit), visit.form.get("name")
    error = ""
    if not name:
        error = visit.say("new.name_missing")
    elif len(name) > LONGEST_NAME:
        error = visit.say("new.name_long", most=LONGEST_NAME)
    elif fault := try_to_amend(visit, app, {"displayName": name}):
        error = fault.message
    if error:
        return _show_form(visit, app, name, {"name": error})
    visit.notify("branding.done", name=name)
    return go_to(visit.at("applications", app.app_id, "branding"))


def show_manifest(visit: Visit) -> Response:
    """`GET …/applications/{app}/manifest`: the application as Graph answers it."""
    app = find_registration(visit)
    answer = ask(visit, "GET", app.path)
    del answer["@odata.context"]
    text = msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()
    return render(visit, "manifest.html", app=app, text=text)


def ask_removal(visit: Visit) -> Response:
    """`GET …/applications/{app}/delete`: whether it is really to go."""
    return render(visit, "registration_delete.html", app=find_registration(visit))


def remove_registration(visit: Visit) -> Response:
    """`POST …/applications/{app}/delete`: into the recycle bin, where it stays for 30 days."""
    app = find_registration(visit)
    ask(visit, "DELETE", app.path)
    visit.notify("delete.done", name=app.record["displayName"])
    return go_to(visit.at("applications"))


def _show_form(visit: Visit, app: Registration, name: str, errors: dict[str, str]) -> Response:
    status = 400 if errors else 200
    return render(
        visit,
        "branding.html",
        status=status,
        app=app,
        name=name,
        errors=errors,
        longest=LONGEST_NAME,
    )
