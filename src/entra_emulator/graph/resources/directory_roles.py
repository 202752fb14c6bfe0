"""Directory roles: those in use, and the templates of all that there are."""

from collections.abc import Iterator

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import declare_collection, declare_records
from entra_emulator.graph.objects.create import answer_created, read_new
from entra_emulator.graph.objects.relations import Navigation
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.model.directory_roles import ROLES, draft_role, find_role_id
from entra_emulator.model.records import Record

RULE = Rule(
    "directoryRole",
    fixed=split_names("id deletedDateTime description displayName"),
    required=("roleTemplateId",),
    guids=split_names("roleTemplateId"),
)


def create_role(call: Call) -> Response:
    """`POST /directoryRoles`: activate a role that the tenant does not use yet."""
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


def _list_templates(_call: Call) -> Iterator[Record]:
    for template in ROLES.values():
        record = draft_role(template, template)
        # The type directoryRoleTemplate lacks it: a template's own ID is that ID.
        del record["roleTemplateId"]
        yield record


def _admits(_role: Record, kind: str, member: Record) -> bool:
    # Otherwise whoever manages an ordinary group could give the role to anybody.
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
    *declare_records("directoryRoleTemplates", "directoryRole", _list_templates),
)
