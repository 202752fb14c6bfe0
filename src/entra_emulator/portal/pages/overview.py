"""An application's first page, its name, its manifest, and its deletion."""

import msgspec
from starlette.responses import Response

from entra_emulator.portal.application import ApplicationView, find_application, try_update
from entra_emulator.portal.ask_graph import ask_graph
from entra_emulator.portal.pages.app_registrations import LONGEST_NAME
from entra_emulator.portal.routes import APPLICATION, MenuItem, PageRoute
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest


def show_overview(request: PageRequest) -> Response:
    """`GET …/applications/{app}`: the IDs to copy, and what the application has."""
    app = find_application(request)
    redirects = {
        platform: len(app.record[platform]["redirectUris"])
        for platform in ("web", "spa", "publicClient")
    }
    return render(
        request,
        "overview.html",
        app=app,
        redirects=redirects,
        federated=len(request.directory.credentials.list_federated(app.app_id)),
        principal=request.directory.service_principals.find(request.tenant, app.app_id),
    )


def show_name_form(request: PageRequest) -> Response:
    """`GET …/applications/{app}/branding`: the form for the name that people see."""
    app = find_application(request)
    return _show_form(request, app, app.record["displayName"], {})


def change_name(request: PageRequest) -> Response:
    """`POST …/applications/{app}/branding`: give the application another name."""
    app, name = find_application(request), request.form.get("name")
    error = ""
    if not name:
        error = request.say("new.name_missing")
    elif len(name) > LONGEST_NAME:
        error = request.say("new.name_long", most=LONGEST_NAME)
    elif refusal := try_update(request, app, {"displayName": name}):
        error = refusal.message
    if error:
        return _show_form(request, app, name, {"name": error})
    request.notify("branding.done", name=name)
    return go_to(request.at("applications", app.app_id, "branding"))


def show_manifest(request: PageRequest) -> Response:
    """`GET …/applications/{app}/manifest`: the application as Graph answers it."""
    app = find_application(request)
    answer = ask_graph(request, "GET", app.path)
    del answer["@odata.context"]
    text = msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()
    return render(request, "manifest.html", app=app, text=text)


def confirm_removal(request: PageRequest) -> Response:
    """`GET …/applications/{app}/delete`: whether it is really to be deleted."""
    return render(request, "registration_delete.html", app=find_application(request))


def remove_registration(request: PageRequest) -> Response:
    """`POST …/applications/{app}/delete`: delete it; it can be restored for 30 days."""
    app = find_application(request)
    ask_graph(request, "DELETE", app.path)
    request.notify("delete.done", name=app.record["displayName"])
    return go_to(request.at("applications"))


def _show_form(
    request: PageRequest, app: ApplicationView, name: str, errors: dict[str, str]
) -> Response:
    return render(request, "branding.html", app=app, name=name, errors=errors, longest=LONGEST_NAME)


ROUTES = (
    PageRoute("GET", APPLICATION, show_overview),
    PageRoute("GET", f"{APPLICATION}/branding", show_name_form),
    PageRoute("POST", f"{APPLICATION}/branding", change_name),
    PageRoute("GET", f"{APPLICATION}/delete", confirm_removal),
    PageRoute("POST", f"{APPLICATION}/delete", remove_registration),
    PageRoute("GET", f"{APPLICATION}/manifest", show_manifest),
)
MENU = (
    MenuItem("application", 10, "overview", "menu.overview"),
    MenuItem("application", 30, "branding", "menu.branding", ("branding",), "menu.manage"),
    MenuItem("application", 80, "manifest", "menu.manifest", ("manifest",), "menu.manage"),
)
