"""Directory role templates: the roles that a tenant can have."""

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_record, answer_records
from entra_emulator.graph.call import Call
from entra_emulator.model.directory_roles import ROLES, draft_role
from entra_emulator.model.records import Record

_SET = "directoryRoleTemplates"


def list_templates(call: Call) -> Response:
    """`GET /directoryRoleTemplates`."""
    return answer_records(call, "directoryRole", _SET, map(_draft, ROLES.values()))


def show_template(call: Call) -> Response:
    """`GET /directoryRoleTemplates/{id}`."""
    key = call.keys["key"].lower()
    if key not in ROLES.values():
        raise deny("object_missing", key=call.keys["key"])
    return answer_record(call, "directoryRole", _SET, _draft(key))


def _draft(template_id: str) -> Record:
    record = draft_role(template_id, template_id)
    return {name: value for name, value in record.items() if name != "roleTemplateId"}
