"""Client secrets in requests: `passwordCredential`."""

from datetime import datetime
from typing import NamedTuple

from entra_emulator.clock import format_iso, parse_iso
from entra_emulator.directory.credentials import Credential
from entra_emulator.graph.call import Call
from entra_emulator.graph.write.validate import refuse_value
from entra_emulator.model.applications import digest_secret, draft_password, draw_secret
from entra_emulator.model.records import Record

# Recorded, whatever the start is; the documentation says "startDateTime + 2 years".
YEARS = 2


class NewSecret(NamedTuple):
    """A new secret: its record, its text, and the credential that the token service accepts."""

    entry: Record
    text: str
    credential: Credential


def draft_secret(call: Call, values: Record) -> NewSecret:
    """A new secret, its times as sent (recorded); `GraphRefusal` 400 for a bad end."""
    # Recorded: seven digits of a second, where most other times have none.
    now = format_iso(call.now, 7)
    start = values.get("startDateTime") or now
    end = values.get("endDateTime") or _add_years(now)
    if parse_iso(end) <= parse_iso(start):
        raise refuse_value("passwordCredential", "endDateTime")
    text = draw_secret()
    key_id = values.get("keyId") or call.directory.new_id()
    entry = draft_password(key_id, text, values.get("displayName"), start=start, end=end)
    entry["customKeyIdentifier"] = values.get("customKeyIdentifier")
    digest = digest_secret(text)
    credential = Credential(key_id, "secret", digest, parse_iso(start), parse_iso(end))
    return NewSecret(entry, text, credential)


def _add_years(start: str) -> str:
    """The same moment two years later, to the digit (recorded); leap days become the 28th."""
    day, _, rest = start.partition("T")
    moment = datetime.fromisoformat(day)
    last = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    later = moment.replace(year=min(moment.year + YEARS, 9999), day=last)
    return f"{later:%Y-%m-%d}T{rest}"
