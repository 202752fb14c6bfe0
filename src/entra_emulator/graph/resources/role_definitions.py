"""Role definitions: `/roleManagement/directory/roleDefinitions`."""

import re

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing, answer_record, answer_records, locate
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.create import read_draft
from entra_emulator.graph.query.expand import Expand
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.graph.write.validate import check_echoed, read_properties, refuse_value
from entra_emulator.model.records import Record

_KIND = "unifiedRoleDefinition"
_SET = "roleManagement/directory/roleDefinitions"
_PATH = f"/{_SET}/{{role}}"
_RULE = Rule(
    _KIND,
    fixed=split_names("id isBuiltIn inheritsPermissionsFrom"),
    required=("displayName", "isEnabled", "rolePermissions"),
    lengths={"description": 1024, "displayName": 256},
    choices={"resourceScopes": frozenset("/")},
    filled=True,
)

# An action of a role of the tenant's own, e.g. `microsoft.directory/applications/basic/update`.
_ACTION = re.compile(r"microsoft\.directory(/[A-Za-z0-9.-]+){2,}")


def list_definitions(call: Call) -> Response:
    """`GET /roleManagement/directory/roleDefinitions`."""
    definitions = call.directory.role_definitions.list_all(call.tenant)
    return answer_records(call, _KIND, _SET, definitions, expand=_expand)


def show_definition(call: Call) -> Response:
    """`GET /roleManagement/directory/roleDefinitions/{id}`."""
    return answer_record(call, _KIND, _SET, _find(call), expand=_expand)


def create_definition(call: Call) -> Response:
    """`POST /roleManagement/directory/roleDefinitions`: a role of the tenant's own."""
    values = read_draft(call, _RULE).values
    _check(call, values)
    definition = call.directory.role_definitions.add(call.tenant, _fill(values))
    location = locate(call, f"roleDefinitions/{definition['id']}")
    return answer_record(call, _KIND, _SET, definition, status=201, location=location)


def change_definition(call: Call) -> Response:
    """`PATCH /roleManagement/directory/roleDefinitions/{id}`."""
    body = read_properties(_RULE, read_payload(call), creating=False)
    values = body.values
    for name in _RULE.required:
        if values.get(name, "") is None:
            raise refuse_value(_KIND, name)
    _check(call, values)
    with call.directory.transaction():
        definition = _find_own(call)
        check_echoed(_KIND, definition, body)
        call.directory.role_definitions.change(call.tenant, definition, _fill(values))
    return answer_nothing(call)


def remove_definition(call: Call) -> Response:
    """`DELETE /roleManagement/directory/roleDefinitions/{id}`."""
    with call.directory.transaction():
        call.directory.role_definitions.remove(call.tenant, _find_own(call))
    return answer_nothing(call)


def _find(call: Call) -> Record:
    key = call.keys["role"]
    definition = call.directory.role_definitions.find(call.tenant, key)
    if definition is None:
        raise deny("object_missing", key=key)
    return definition


def _find_own(call: Call) -> Record:
    definition = _find(call)
    if definition["isBuiltIn"]:
        raise deny("role_built_in", name=definition["displayName"])
    return definition


def _check(call: Call, values: Record) -> None:
    """Refuse what a role cannot permit, and roles of their own to tenants without a licence."""
    for permission in values.get("rolePermissions") or ():
        for action in permission.get("allowedResourceActions") or ():
            if not _ACTION.fullmatch(action):
                raise deny("role_action_unfit", action=action)
    if not call.directory.licences.has_premium(call.tenant):
        raise deny("license_missing", what="custom roles")


def _fill(values: Record) -> Record:
    """The properties that were sent, with all that permissions have."""
    permissions = values.get("rolePermissions")
    if permissions is None:
        return values
    blank: Record = {"allowedResourceActions": [], "condition": None}
    return values | {"rolePermissions": [blank | permission for permission in permissions]}


def _expand(call: Call, definition: Record, _expand: Expand) -> list[Record]:
    """The whole definitions of what a role inherits from."""
    inherited = [one["id"] for one in definition["inheritsPermissionsFrom"]]
    roles = call.directory.role_definitions
    return [role for key in inherited if (role := roles.find(call.tenant, key))]


ROUTES = (
    Endpoint("GET", f"/{_SET}", list_definitions),
    Endpoint("GET", f"/{_SET}/$count", list_definitions),
    Endpoint("GET", _PATH, show_definition),
    write_route("POST", f"/{_SET}", create_definition),
    write_route("PATCH", _PATH, change_definition),
    write_route("DELETE", _PATH, remove_definition),
)
