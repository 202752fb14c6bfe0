"""Role assignments: `/roleManagement/directory/roleAssignments`."""

from typing import Any

import msgspec
from starlette.responses import Response

from entra_emulator.directory.objects import StoredObject
from entra_emulator.errors import deny
from entra_emulator.graph.answer import (
    answer_nothing,
    answer_record,
    answer_records,
    locate,
    wants_no_metadata,
)
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.create import read_draft
from entra_emulator.graph.objects.find import find_visible, read_record
from entra_emulator.graph.query.expand import Expand
from entra_emulator.graph.render import render_neighbours
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.graph.write.validate import refuse_value
from entra_emulator.model.kinds import DELETABLE
from entra_emulator.model.records import Record
from entra_emulator.model.role_assignments import EVERYWHERE, find_scope_id, write_scope

_KIND = "unifiedRoleAssignment"
_SET = "roleManagement/directory/roleAssignments"
_PATH = f"/{_SET}/{{roleAssignment}}"
_RULE = Rule(
    _KIND,
    # The directory has no scopes of applications, and Azure AD's roles no conditions.
    fixed=split_names("id appScopeId condition principalOrganizationId"),
    required=("directoryScopeId", "principalId", "roleDefinitionId"),
    guids=split_names("principalId roleDefinitionId"),
)
_PRINCIPALS = frozenset({"group", "servicePrincipal", "user"})


def list_assignments(call: Call) -> Response:
    """`GET /roleManagement/directory/roleAssignments`."""
    assignments = call.directory.role_assignments.list_all(call.tenant)
    return answer_records(call, _KIND, _SET, assignments, expand=_expand)


def show_assignment(call: Call) -> Response:
    """`GET /roleManagement/directory/roleAssignments/{id}`."""
    return answer_record(call, _KIND, _SET, _find(call), expand=_expand)


def create_assignment(call: Call) -> Response:
    """`POST /roleManagement/directory/roleAssignments`: new tokens of a user have the role."""
    values = read_draft(call, _RULE).values
    with call.directory.transaction():
        role = find_role(call, values["roleDefinitionId"])
        principal = find_role_holder(call, values["principalId"])
        scope = _find_scope(call, values["directoryScopeId"])
        try:
            assignment = call.directory.role_assignments.add(call.tenant, role, principal, scope)
        except ValueError as error:
            raise deny("role_present") from error
    location = locate(call, f"roleAssignments/{assignment['id']}")
    return answer_record(call, _KIND, _SET, assignment, status=201, location=location)


def remove_assignment(call: Call) -> Response:
    """`DELETE /roleManagement/directory/roleAssignments/{id}`: new tokens lack the role."""
    with call.directory.transaction():
        call.directory.role_assignments.remove(call.tenant, _find(call))
    return answer_nothing(call)


def _find(call: Call) -> Record:
    key = call.keys["roleAssignment"]
    assignment = call.directory.role_assignments.find(call.tenant, key)
    if assignment is None:
        raise deny("object_missing", key=key)
    return assignment


def find_role(call: Call, key: str) -> Record:
    """The role, by the ID of its definition, or of the directory role that is in use."""
    # "roleDefinitionId can be either the service-wide template Id or the directory-specific
    # roleDefinitionId" (Create unifiedRoleAssignment).
    used = call.directory.objects.find(call.tenant, key, kind="directoryRole")
    template = read_record(used)["roleTemplateId"] if used else key
    role = call.directory.role_definitions.find(call.tenant, template)
    if role is None:
        raise deny("object_missing", key=key)
    if not role["isEnabled"]:
        raise deny("role_disabled", name=role["displayName"])
    return role


def find_role_holder(call: Call, key: str) -> StoredObject:
    """Who can have a role: "users, role-assignable groups, and service principals"."""
    principal = find_visible(call, key, _PRINCIPALS)
    if principal is None:
        raise deny("object_missing", key=key)
    if principal.kind == "group" and not read_record(principal).get("isAssignableToRole"):
        raise deny("role_group_unfit")
    return principal


def _find_scope(call: Call, text: str) -> str:
    """The scope as it is kept; the object that it names must be there."""
    try:
        object_id = find_scope_id(text)
    except ValueError as error:
        raise refuse_value(_KIND, "directoryScopeId") from error
    if not object_id:
        return EVERYWHERE
    row = find_visible(call, object_id, DELETABLE)
    if row is None:
        raise deny("object_missing", key=object_id)
    scope = write_scope(object_id, row.kind)
    if scope.casefold() != text.casefold():
        raise refuse_value(_KIND, "directoryScopeId")
    return scope


def _expand(call: Call, assignment: Record, expand: Expand) -> Any:
    """Whom an assignment is of, its role, or its scope, which is nothing for the whole tenant."""
    if expand.navigation == "roleDefinition":
        role = call.directory.role_definitions.find(call.tenant, assignment["roleDefinitionId"])
        return role if role is None or not expand.select else {n: role[n] for n in expand.select}
    ids = {
        "principal": assignment["principalId"],
        "directoryScope": find_scope_id(assignment["directoryScopeId"]),
    }
    row = call.directory.objects.find(call.tenant, ids[expand.navigation])
    if row is None:
        return None
    typed = not wants_no_metadata(call)
    return msgspec.Raw(render_neighbours([row], expand.select, call.readable, typed=typed)[0])


ROUTES = (
    Endpoint("GET", f"/{_SET}", list_assignments),
    Endpoint("GET", f"/{_SET}/$count", list_assignments),
    Endpoint("GET", _PATH, show_assignment),
    write_route("POST", f"/{_SET}", create_assignment),
    write_route("DELETE", _PATH, remove_assignment),
)
