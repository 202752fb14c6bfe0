"""Graph's audit logs: `/auditLogs/signIns` and `/auditLogs/directoryAudits`."""

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.access.activity_reports import check_reader_role, check_report_reader
from entra_emulator.graph.answer import answer_record
from entra_emulator.graph.audit_logs.directory_audits import find_audit, list_audits
from entra_emulator.graph.audit_logs.log_page import answer_log
from entra_emulator.graph.audit_logs.log_query import read_log_query
from entra_emulator.graph.audit_logs.sign_in_records import find_sign_in, list_sign_ins
from entra_emulator.graph.call import Call
from entra_emulator.graph.router import Endpoint
from entra_emulator.model.report_schema import BETA_ONLY

_SIGN_INS, _AUDITS = "auditLogs/signIns", "auditLogs/directoryAudits"


async def list_signed_in(call: Call) -> Response:
    """`GET /auditLogs/signIns`: who signed in, the last first."""
    check_report_reader(call.directory, call.caller)
    query = read_log_query(call, "signIn")
    hidden = BETA_ONLY if call.version == "v1.0" else ()
    entries = list_sign_ins(call, query)
    return await call.read(answer_log(call, _SIGN_INS, query, entries, hidden))


def show_signed_in(call: Call) -> Response:
    """`GET /auditLogs/signIns/{id}`: one sign-in."""
    check_report_reader(call.directory, call.caller)
    key = call.keys["key"]
    record = find_sign_in(call, key.lower())
    if record is None:
        raise deny("object_missing", key=key)
    shown = record.items()
    if call.version == "v1.0":
        shown = {name: value for name, value in shown if name not in BETA_ONLY}.items()
    return answer_record(call, "signIn", _SIGN_INS, dict(shown))


async def list_changes(call: Call) -> Response:
    """`GET /auditLogs/directoryAudits`: who changed what, the last first."""
    check_reader_role(call.directory, call.caller)
    query = read_log_query(call, "directoryAudit")
    return await call.read(answer_log(call, _AUDITS, query, list_audits(call, query), ()))


def show_change(call: Call) -> Response:
    """`GET /auditLogs/directoryAudits/{id}`: one change."""
    check_reader_role(call.directory, call.caller)
    key = call.keys["key"]
    record = find_audit(call, key)
    if record is None:
        raise deny("object_missing", key=key)
    return answer_record(call, "directoryAudit", _AUDITS, record)


ROUTES = (
    Endpoint("GET", "/auditLogs/directoryAudits", list_changes),
    Endpoint("GET", "/auditLogs/directoryAudits/{key}", show_change),
    Endpoint("GET", "/auditLogs/signIns", list_signed_in),
    Endpoint("GET", "/auditLogs/signIns/{key}", show_signed_in),
)
