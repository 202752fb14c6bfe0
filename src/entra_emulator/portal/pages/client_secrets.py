"""Client secrets: the list, a new one whose value is shown once, and the end of one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import Response

from entra_emulator.clock import format_iso, parse_iso
from entra_emulator.graph.write.rules import find_rule
from entra_emulator.model.records import Record
from entra_emulator.portal.application import Registration, find_registration
from entra_emulator.portal.ask_graph import ask
from entra_emulator.portal.credential_tabs import (
    describe_entry,
    find_entry,
    render_credentials,
    render_removal,
)
from entra_emulator.web.pages.render import go_to, render
from entra_emulator.web.pages.request import Visit

# Days until a secret expires, in the portal's order; the first is what it recommends.
DAYS = (180, 90, 365, 545, 730)
CUSTOM = "custom"
MOST_DAYS = max(DAYS)

LONGEST = find_rule("passwordCredential").lengths["displayName"]

Spell = tuple[float, float]


def list_secrets(visit: Visit) -> Response:
    """`GET …/credentials`: the application's secrets, and the value of the one just made."""
    app = find_registration(visit)
    entries = sorted(app.record["passwordCredentials"], key=lambda one: one["endDateTime"])
    rows = [describe_entry(visit, entry) for entry in entries]
    return render_credentials(visit, app, "secrets", rows=rows, made=visit.take("secret"))


def ask_secret(visit: Visit) -> Response:
    """`GET …/credentials/secrets/new`: what the secret is for, and how long it is good."""
    return _show_form(visit, find_registration(visit), {"expires": str(DAYS[0])}, {})


def add_secret(visit: Visit) -> Response:
    """`POST …/credentials/secrets/new`: a secret, whose value the next page shows once."""
    app = find_registration(visit)
    names = ("description", "expires", "start", "end")
    typed = {name: visit.form.get(name) for name in names}
    spell, errors = _read_spell(visit, typed)
    if len(typed["description"]) > LONGEST:
        errors["description"] = visit.say("credentials.long", most=LONGEST)
    if errors or spell is None:
        return _show_form(visit, app, typed, errors)
    body = {
        "displayName": typed["description"] or _name_unnamed(spell[0]),
        "startDateTime": format_iso(spell[0], 7),
        "endDateTime": format_iso(spell[1], 7),
    }
    made = ask(visit, "POST", f"{app.path}/addPassword", {"passwordCredential": body})
    visit.keep("secret", {"id": made["keyId"], "value": made["secretText"]})
    return go_to(visit.at("applications", app.app_id, "credentials"))


def ask_removal(visit: Visit) -> Response:
    """`GET …/credentials/secrets/{key}/delete`: whether it is really to go."""
    app = find_registration(visit)
    entry = find_entry(app, "passwordCredentials", visit.key("key"))
    lead = visit.say("secrets.delete_lead", name=entry["displayName"] or entry["keyId"])
    return render_removal(visit, app, "secrets", visit.say("secrets.delete_title"), lead)


def remove_secret(visit: Visit) -> Response:
    """`POST …/credentials/secrets/{key}/delete`: its next use is refused."""
    app = find_registration(visit)
    entry = find_entry(app, "passwordCredentials", visit.key("key"))
    ask(visit, "POST", f"{app.path}/removePassword", {"keyId": entry["keyId"]})
    visit.notify("secrets.removed", name=entry["displayName"] or entry["keyId"])
    return go_to(visit.at("applications", app.app_id, "credentials"))


def _read_spell(visit: Visit, typed: Record) -> tuple[Spell | None, dict[str, str]]:
    """From when to when the secret is good, or what is wrong with that."""
    now = visit.context.clock.now()
    if typed["expires"] != CUSTOM:
        if typed["expires"] not in map(str, DAYS):
            return None, {"expires": visit.say("secrets.expires_missing")}
        return (now, now + int(typed["expires"]) * 86_400.0), {}
    errors = {}
    moments = []
    for name in ("start", "end"):
        try:
            moments.append(parse_iso(typed[name]) if typed[name] else now)
        except (ValueError, OverflowError):
            errors[name] = visit.say("secrets.no_date")
    if not typed["end"]:
        errors["end"] = visit.say("secrets.no_date")
    if errors:
        return None, errors
    start, end = moments
    if not start < end <= start + timedelta(days=MOST_DAYS + 1).total_seconds():
        return None, {"end": visit.say("secrets.wrong_end")}
    return (start, end), {}


def _name_unnamed(start: float) -> str:
    """What the portal calls a secret that nobody named."""
    return f"Password uploaded on {datetime.fromtimestamp(start, UTC):%a %b %d %Y}"


def _show_form(
    visit: Visit, app: Registration, typed: dict[str, Any], errors: dict[str, str]
) -> Response:
    return render(
        visit,
        "secret_new.html",
        status=400 if errors else 200,
        app=app,
        typed={"description": "", "start": "", "end": "", **typed},
        errors=errors,
        days=DAYS,
        longest=LONGEST,
    )
