"""An application's first page, its name, its manifest, and its deletion."""

import msgspec
from starlette.responses import Response

from entra_emulator.portal.application import ApplicationView, go_to_application, try_update
from entra_emulator.portal.ask_graph import ask_graph
from entra_emulator.portal.pages.app_registrations import LONGEST_NAME
from entra_emulator.portal.routes import MenuItem, application_page
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

MENU = (
    MenuItem("application", 10, "overview", "menu.overview"),
    MenuItem("application", 30, "branding", "menu.branding", ("branding",), "menu.manage"),
    MenuItem("application", 80, "manifest", "menu.manifest", ("manifest",), "menu.manage"),
)


@application_page("GET", "")
def show_overview(request: PageRequest, app: ApplicationView) -> Response:
    """Show the application's IDs to copy, and what it has."""
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


@application_page("GET", "branding")
def show_name_form(request: PageRequest, app: ApplicationView) -> Response:
    """Show the form for the name that people see."""
    return _show_form(request, app, app.record["displayName"], {})


@application_page("POST", "branding")
def change_name(request: PageRequest, app: ApplicationView) -> Response:
    """Give the application another name."""
    name = request.form.get("name")
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
    return go_to_application(request, app, "branding")


@application_page("GET", "manifest")
def show_manifest(request: PageRequest, app: ApplicationView) -> Response:
    """Show the application as Graph answers it."""
    answer = ask_graph(request, "GET", app.path)
    # The context describes the answer, and is not a property of the application.
    del answer["@odata.context"]
    text = msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()
    return render(request, "manifest.html", app=app, text=text)


@application_page("GET", "delete")
def confirm_removal(request: PageRequest, app: ApplicationView) -> Response:
    """Ask whether to delete the application."""
    return render(request, "registration_delete.html", app=app)


@application_page("POST", "delete")
def remove_registration(request: PageRequest, app: ApplicationView) -> Response:
    """Delete the application, which can be restored for 30 days."""
    ask_graph(request, "DELETE", app.path)
    request.notify("delete.done", name=app.record["displayName"])
    return go_to(request.at("applications"))


def _show_form(
    request: PageRequest, app: ApplicationView, name: str, errors: dict[str, str]
) -> Response:
    return render(request, "branding.html", app=app, name=name, errors=errors, longest=LONGEST_NAME)
