"""Directory roles: those in use, and the templates of all that there are."""

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_record, answer_records
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import declare_collection
from entra_emulator.graph.objects.create import answer_created, read_new
from entra_emulator.graph.objects.relations import Navigation
from entra_emulator.graph.router import Endpoint
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.model.directory_roles import ROLES, draft_role, find_role_id
from entra_emulator.model.records import Record

_TEMPLATES = "directoryRoleTemplates"

RULE = Rule(
    "directoryRole",
    fixed=split_names("id deletedDateTime description displayName"),
    required=("roleTemplateId",),
    guids=split_names("roleTemplateId"),
)


def create_role(call: Call) -> Response:
    """`POST /directoryRoles`: use a role in the tenant that was not in use."""
    template = read_new(call, RULE).values["roleTemplateId"].lower()
    try:
        find_role_id(template)
    except LookupError as error:
        raise deny("object_missing", key=template) from error
    with call.directory.transaction():
        if call.directory.objects.find(call.tenant, template, kind="directoryRole") is not None:
            raise deny("object_taken", target="roleTemplateId")
        row = call.directory.role_members.activate(call.tenant, template)
    return answer_created(call, row)


def list_templates(call: Call) -> Response:
    """`GET /directoryRoleTemplates`."""
    return answer_records(call, "directoryRole", _TEMPLATES, map(_draft, ROLES.values()))


def show_template(call: Call) -> Response:
    """`GET /directoryRoleTemplates/{id}`."""
    key = call.keys["key"].lower()
    if key not in ROLES.values():
        raise deny("object_missing", key=call.keys["key"])
    return answer_record(call, "directoryRole", _TEMPLATES, _draft(key))


def _draft(template_id: str) -> Record:
    record = draft_role(template_id, template_id)
    return {name: value for name, value in record.items() if name != "roleTemplateId"}


def _admits(_role: Record, kind: str, member: Record) -> bool:
    return kind != "group" or bool(member.get("isAssignableToRole"))


_MEMBERS = Navigation(
    "directoryRole",
    "members",
    "members",
    takes=frozenset({"group", "servicePrincipal", "user"}),
    admits=_admits,
)

ROUTES = (
    *declare_collection(
        "directoryRole", "/directoryRoles", navigations=(_MEMBERS,), create=create_role
    ),
    Endpoint("GET", "/directoryRoleTemplates", list_templates),
    Endpoint("GET", "/directoryRoleTemplates/{key}", show_template),
)
