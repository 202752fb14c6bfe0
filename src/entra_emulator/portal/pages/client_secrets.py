"""Client secrets: the list, a new one whose value is shown once, and a removal."""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from entra_emulator.clock import format_iso, parse_iso
from entra_emulator.graph.write.rules import find_rule
from entra_emulator.model.records import Record
from entra_emulator.portal.application import ApplicationView, go_to_application
from entra_emulator.portal.ask_graph import ask_graph
from entra_emulator.portal.credential_tabs import (
    describe_entry,
    find_entry,
    render_credentials,
    render_removal,
)
from entra_emulator.portal.routes import MenuItem, application_page
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

MENU = (
    MenuItem("application", 40, "credentials", "menu.credentials", ("credentials",), "menu.manage"),
)

# The choices of days until a secret expires, in the portal's order; the first is recommended.
DAYS = (180, 90, 365, 545, 730)
# The choice of a start and an end of one's own.
CUSTOM = "custom"
# As in the real portal; through Graph a secret may last longer.
MOST_DAYS = max(DAYS)

LONGEST = find_rule("passwordCredential").lengths["displayName"]


@application_page("GET", "credentials")
def list_secrets(request: PageRequest, app: ApplicationView) -> Response:
    """List the application's secrets, with the value of one that was just made."""
    entries = sorted(app.record["passwordCredentials"], key=lambda entry: entry["endDateTime"])
    rows = [describe_entry(request, entry) for entry in entries]
    return render_credentials(request, app, "secrets", rows=rows, made=request.take("secret"))


@application_page("GET", "credentials/secrets/new")
def show_secret_form(request: PageRequest, app: ApplicationView) -> Response:
    """Show the form for a description and a lifetime."""
    return _show_form(request, app, {"expires": str(DAYS[0])}, {})


@application_page("POST", "credentials/secrets/new")
def add_secret(request: PageRequest, app: ApplicationView) -> Response:
    """Make the secret, whose value the next page shows once."""
    names = ("description", "expires", "start", "end")
    typed = {name: request.form.get(name) for name in names}
    (start, end), errors = _read_lifetime(request, typed)
    if len(typed["description"]) > LONGEST:
        errors["description"] = request.say("credentials.long", most=LONGEST)
    if errors:
        return _show_form(request, app, typed, errors)
    # The real portal uses this description for a secret without one.
    name = f"Password uploaded on {datetime.fromtimestamp(start, UTC):%a %b %d %Y}"
    body = {
        "displayName": typed["description"] or name,
        "startDateTime": format_iso(start, 7),
        "endDateTime": format_iso(end, 7),
    }
    secret = ask_graph(request, "POST", f"{app.path}/addPassword", {"passwordCredential": body})
    request.keep("secret", {"id": secret["keyId"], "value": secret["secretText"]})
    return go_to_application(request, app, "credentials")


@application_page("GET", "credentials/secrets/{key}/delete")
def confirm_removal(request: PageRequest, app: ApplicationView) -> Response:
    """Ask whether to delete the secret."""
    entry = find_entry(app, "passwordCredentials", request.param("key"))
    return render_removal(request, app, "secrets", entry["displayName"] or entry["keyId"])


@application_page("POST", "credentials/secrets/{key}/delete")
def remove_secret(request: PageRequest, app: ApplicationView) -> Response:
    """Delete the secret, which is refused from now on."""
    entry = find_entry(app, "passwordCredentials", request.param("key"))
    ask_graph(request, "POST", f"{app.path}/removePassword", {"keyId": entry["keyId"]})
    request.notify("secrets.removed", name=entry["displayName"] or entry["keyId"])
    return go_to_application(request, app, "credentials")


def _read_lifetime(
    request: PageRequest, typed: Record
) -> tuple[tuple[float, float], dict[str, str]]:
    """The secret's start and end, in seconds since 1970, and what is wrong with which field."""
    now = request.context.clock.now()
    if typed["expires"] != CUSTOM:
        if typed["expires"] not in map(str, DAYS):
            return (now, now), {"expires": request.say("secrets.expires_missing")}
        return (now, now + int(typed["expires"]) * 86_400.0), {}
    errors, moments = {}, []
    for name in ("start", "end"):
        try:
            moments.append(parse_iso(typed[name]) if typed[name] else now)
        except (ValueError, OverflowError):
            errors[name] = request.say("secrets.no_date")
    if not typed["end"]:
        errors["end"] = request.say("secrets.no_date")
    if errors:
        return (now, now), errors
    start, end = moments
    if not start < end <= start + timedelta(days=MOST_DAYS + 1).total_seconds():
        errors["end"] = request.say("secrets.wrong_end")
    return (start, end), errors


def _show_form(
    request: PageRequest, app: ApplicationView, typed: dict[str, Any], errors: dict[str, str]
) -> Response:
    return render(
        request,
        "secret_new.html",
        app=app,
        typed={"description": "", "start": "", "end": "", **typed},
        errors=errors,
        days=DAYS,
        longest=LONGEST,
    )
