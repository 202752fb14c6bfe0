"""Directory role templates: the roles that a tenant can have."""

from starlette.responses import Response

from graphdaemon.emulator.entity import Record
from graphdaemon.emulator.errors import deny
from graphdaemon.emulator.graph.call import Call
from graphdaemon.emulator.graph.record import answer_record, answer_records
from graphdaemon.emulator.role import ROLES, draft_role

__all__ = ["list_templates", "show_template"]

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
