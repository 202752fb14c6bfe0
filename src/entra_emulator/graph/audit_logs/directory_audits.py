"""Changes of the directory as Graph's `directoryAudit` objects."""

from collections.abc import Iterator
from functools import partial

from entra_emulator.audit import Activity
from entra_emulator.clock import format_iso
from entra_emulator.graph.audit_logs.log_page import LogEntry
from entra_emulator.graph.audit_logs.log_query import LogQuery
from entra_emulator.graph.audit_logs.sign_in_records import RETENTION
from entra_emulator.graph.call import Call
from entra_emulator.model.records import Record


def list_audits(call: Call, query: LogQuery) -> Iterator[LogEntry]:
    """The tenant's changes that a query may be about, in its order."""
    since = max(query.since, call.now - RETENTION)
    entries = [
        LogEntry(one.at, f"{number:09}", partial(_describe, number, one))
        for number, one in call.context.audit.activities.list_all()
        if one.tenant_id == call.tenant.id and since <= one.at <= query.until
    ]
    # The clock may have been moved back.
    yield from sorted(entries, key=lambda entry: entry[:2], reverse=not query.ascending)


def find_audit(call: Call, key: str) -> Record | None:
    """The change of this ID, if it is still remembered."""
    for number, one in call.context.audit.activities.list_all():
        if one.tenant_id == call.tenant.id and _make_id(number, one).lower() == key.lower():
            return _describe(number, one) if one.at >= call.now - RETENTION else None
    return None


def _describe(number: int, one: Activity) -> Record:
    order = (
        "category correlationId result resultReason activityDisplayName activityDateTime "
        "loggedByService operationType initiatedBy targetResources additionalDetails"
    ).split()
    record = one.record | {"activityDateTime": format_iso(one.at, 7)}
    return {"id": _make_id(number, one), **{name: record[name] for name in order}}


def _make_id(number: int, one: Activity) -> str:
    """An ID of the recorded form: the service, the correlation ID, a shard, a number."""
    return f"Directory_{one.record['correlationId']}_EMUL1_{number:08}"
