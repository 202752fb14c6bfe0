"""Client secrets: the list, a new one whose value is shown once, and a removal."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from starlette.responses import Response

from entra_emulator.clock import format_iso, parse_iso
from entra_emulator.graph.write.rules import find_rule
from entra_emulator.model.records import Record
from entra_emulator.portal.application import ApplicationView, find_application
from entra_emulator.portal.ask_graph import ask_graph
from entra_emulator.portal.credential_tabs import (
    describe_entry,
    find_entry,
    render_credentials,
    render_removal,
)
from entra_emulator.portal.routes import APPLICATION, MenuItem, PageRoute
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import PageRequest

# The choices of days until a secret expires, in the portal's order; the first is recommended.
DAYS = (180, 90, 365, 545, 730)
# The choice of a start and an end of one's own.
CUSTOM = "custom"
MOST_DAYS = max(DAYS)

LONGEST = find_rule("passwordCredential").lengths["displayName"]


class Lifetime(NamedTuple):
    """From when to when a secret is good, in seconds since 1970."""

    start: float
    end: float


def list_secrets(request: PageRequest) -> Response:
    """`GET …/credentials`: the application's secrets, and the value of the one just made."""
    app = find_application(request)
    entries = sorted(app.record["passwordCredentials"], key=lambda entry: entry["endDateTime"])
    rows = [describe_entry(request, entry) for entry in entries]
    return render_credentials(request, app, "secrets", rows=rows, made=request.take("secret"))


def show_secret_form(request: PageRequest) -> Response:
    """`GET …/credentials/secrets/new`: what the secret is for, and how long it is good."""
    return _show_form(request, find_application(request), {"expires": str(DAYS[0])}, {})


def add_secret(request: PageRequest) -> Response:
    """`POST …/credentials/secrets/new`: make the secret, whose value the next page shows once."""
    app = find_application(request)
    names = ("description", "expires", "start", "end")
    typed = {name: request.form.get(name) for name in names}
    lifetime, errors = _read_lifetime(request, typed)
    if len(typed["description"]) > LONGEST:
        errors["description"] = request.say("credentials.long", most=LONGEST)
    if errors or lifetime is None:
        return _show_form(request, app, typed, errors)
    body = {
        "displayName": typed["description"] or _make_name(lifetime.start),
        "startDateTime": format_iso(lifetime.start, 7),
        "endDateTime": format_iso(lifetime.end, 7),
    }
    secret = ask_graph(request, "POST", f"{app.path}/addPassword", {"passwordCredential": body})
    request.keep("secret", {"id": secret["keyId"], "value": secret["secretText"]})
    return go_to(request.at("applications", app.app_id, "credentials"))


def confirm_removal(request: PageRequest) -> Response:
    """`GET …/credentials/secrets/{key}/delete`: whether it is really to be deleted."""
    app = find_application(request)
    entry = find_entry(app, "passwordCredentials", request.param("key"))
    return render_removal(request, app, "secrets", entry["displayName"] or entry["keyId"])


def remove_secret(request: PageRequest) -> Response:
    """`POST …/credentials/secrets/{key}/delete`: the secret is refused from now on."""
    app = find_application(request)
    entry = find_entry(app, "passwordCredentials", request.param("key"))
    ask_graph(request, "POST", f"{app.path}/removePassword", {"keyId": entry["keyId"]})
    request.notify("secrets.removed", name=entry["displayName"] or entry["keyId"])
    return go_to(request.at("applications", app.app_id, "credentials"))


def _read_lifetime(request: PageRequest, typed: Record) -> tuple[Lifetime | None, dict[str, str]]:
    """From when to when the secret is to be good, and what is wrong with which field."""
    now = request.context.clock.now()
    if typed["expires"] != CUSTOM:
        if typed["expires"] not in map(str, DAYS):
            return None, {"expires": request.say("secrets.expires_missing")}
        return Lifetime(now, now + int(typed["expires"]) * 86_400.0), {}
    errors = {}
    moments = []
    for name in ("start", "end"):
        try:
            moments.append(parse_iso(typed[name]) if typed[name] else now)
        except (ValueError, OverflowError):
            errors[name] = request.say("secrets.no_date")
    if not typed["end"]:
        errors["end"] = request.say("secrets.no_date")
    if errors:
        return None, errors
    start, end = moments
    if not start < end <= start + timedelta(days=MOST_DAYS + 1).total_seconds():
        return None, {"end": request.say("secrets.wrong_end")}
    return Lifetime(start, end), {}


def _make_name(start: float) -> str:
    """What the portal calls a secret that nobody named."""
    return f"Password uploaded on {datetime.fromtimestamp(start, UTC):%a %b %d %Y}"


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


ROUTES = (
    PageRoute("GET", f"{APPLICATION}/credentials", list_secrets),
    PageRoute("GET", f"{APPLICATION}/credentials/secrets/new", show_secret_form),
    PageRoute("POST", f"{APPLICATION}/credentials/secrets/new", add_secret),
    PageRoute("GET", f"{APPLICATION}/credentials/secrets/{{key}}/delete", confirm_removal),
    PageRoute("POST", f"{APPLICATION}/credentials/secrets/{{key}}/delete", remove_secret),
)
MENU = (
    MenuItem("application", 40, "credentials", "menu.credentials", ("credentials",), "menu.manage"),
)
