"""The controls that show what was asked of the emulator, and how it was answered."""

import msgspec
from msgspec import UNSET
from starlette.requests import Request

from entra_emulator.audit import Entry
from entra_emulator.control.answers import AuditEntries, EntryShown
from entra_emulator.control.bodies import AuditQuery
from entra_emulator.graph.access.needed import list_needed
from entra_emulator.web.context import context_of

# One answer stays small, however long the log; `before` and `after` fetch the rest.
MOST_ENTRIES = 1000


async def list_audit(request: Request, query: AuditQuery) -> AuditEntries:
    """List token and Graph requests, newest first: by `app`, `service`, `verdict` or `text`."""
    given = msgspec.structs.asdict(query) | {"limit": min(query.limit, MOST_ENTRIES)}
    filters = {name: value for name, value in given.items() if value is not UNSET}
    entries = context_of(request).audit.entries(**filters)
    return AuditEntries([_show(entry) for entry in entries])


async def clear_audit(request: Request) -> AuditEntries:
    """Forget what was asked."""
    context_of(request).audit.clear()
    return AuditEntries([])


def _show(entry: Entry) -> EntryShown:
    return EntryShown(**entry.describe(), needed=list_needed(entry))
