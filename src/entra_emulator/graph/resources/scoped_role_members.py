"""Roles for an administrative unit: `/directory/administrativeUnits/{id}/scopedRoleMembers`."""

from collections.abc import Iterator
from functools import partial

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing, answer_record, answer_records, locate
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.create import read_draft
from entra_emulator.graph.objects.find import find_object, read_record
from entra_emulator.graph.resources.role_assignments import find_role, find_role_holder
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.graph.write.validate import refuse_value
from entra_emulator.model.records import Record
from entra_emulator.model.role_assignments import find_scope_id, write_scope
from entra_emulator.web.context import is_guid

_KIND = "scopedRoleMembership"
_SET = "scopedRoleMemberships"
_RULE = Rule(
    _KIND,
    fixed=split_names("id administrativeUnitId"),
    required=("roleId", "roleMemberInfo"),
    guids=split_names("roleId"),
)


def list_members(call: Call, *, kind: str, side: str) -> Response:
    """`GET /directory/administrativeUnits/{id}/scopedRoleMembers`, or of a role, or of a user."""
    owner = find_object(call, kind, call.keys.get("key", call.caller.object_id))
    object_id = read_record(owner)["id"]
    return answer_records(call, _KIND, _SET, _list_of(call, side, object_id))


def show_member(call: Call) -> Response:
    """`GET /directory/administrativeUnits/{id}/scopedRoleMembers/{id}`."""
    return answer_record(call, _KIND, _SET, _find(call))


def create_member(call: Call) -> Response:
    """`POST /directory/administrativeUnits/{id}/scopedRoleMembers`: a role for this unit."""
    values = read_draft(call, _RULE).values
    holder = values["roleMemberInfo"].get("id")
    if not isinstance(holder, str) or not is_guid(holder):
        raise refuse_value(_KIND, "roleMemberInfo")
    with call.directory.transaction():
        unit = read_record(find_object(call, "administrativeUnit", call.keys["key"]))["id"]
        # The ID of a directory role; that of its template is taken too.
        role = find_role(call, values["roleId"])
        principal = find_role_holder(call, holder)
        scope = write_scope(unit, "administrativeUnit")
        try:
            made = call.directory.role_assignments.add(call.tenant, role, principal, scope)
        except ValueError as error:
            raise deny("role_present") from error
        member = next(
            one for one in _list_of(call, "administrativeUnitId", unit) if one["id"] == made["id"]
        )
    location = locate(call, f"{_SET}/{member['id']}")
    return answer_record(call, _KIND, _SET, member, status=201, location=location)


def remove_member(call: Call) -> Response:
    """`DELETE /directory/administrativeUnits/{id}/scopedRoleMembers/{id}`."""
    with call.directory.transaction():
        assignment = call.directory.role_assignments.find(call.tenant, _find(call)["id"])
        assert assignment is not None, "it was found just now"
        call.directory.role_assignments.remove(call.tenant, assignment)
    return answer_nothing(call)


def _find(call: Call) -> Record:
    unit = read_record(find_object(call, "administrativeUnit", call.keys["key"]))["id"]
    key = call.keys["member"]
    for member in _list_of(call, "administrativeUnitId", unit):
        if member["id"] == key:
            return member
    raise deny("object_missing", key=key)


def _list_of(call: Call, side: str, object_id: str) -> list[Record]:
    """The scoped members of a unit, of a role, or those that are one user."""
    members = _list_all(call)
    if side == "roleMemberInfo":
        return [one for one in members if one["roleMemberInfo"]["id"] == object_id]
    return [one for one in members if one[side] == object_id]


def _list_all(call: Call) -> Iterator[Record]:
    """The role assignments whose scope is an administrative unit, as scoped members."""
    directory, tenant = call.directory, call.tenant
    for assignment in directory.role_assignments.list_all(tenant):
        scope = assignment["directoryScopeId"]
        unit = find_scope_id(scope)
        role = directory.objects.find(tenant, assignment["roleDefinitionId"], kind="directoryRole")
        principal = directory.objects.find(tenant, assignment["principalId"])
        # Roles of the tenant's own are no directory roles.
        if scope != write_scope(unit, "administrativeUnit") or role is None or principal is None:
            continue
        holder = read_record(principal)
        info = {"id": holder["id"], "displayName": holder.get("displayName")}
        if principal.kind == "user":
            info["userPrincipalName"] = holder["userPrincipalName"]
        yield {
            "id": assignment["id"],
            "administrativeUnitId": unit,
            "roleId": read_record(role)["id"],
            "roleMemberInfo": info,
        }


def _list_routes(units: str) -> Iterator[Endpoint]:
    path = f"{units}/{{key}}/scopedRoleMembers"
    listing = partial(list_members, kind="administrativeUnit", side="administrativeUnitId")
    yield Endpoint("GET", path, listing)
    yield Endpoint("GET", f"{path}/{{member}}", show_member)
    yield write_route("POST", path, create_member)
    yield write_route("DELETE", f"{path}/{{member}}", remove_member)


_of_user = partial(list_members, kind="user", side="roleMemberInfo")

ROUTES = (
    *_list_routes("/directory/administrativeUnits"),
    *_list_routes("/administrativeUnits"),
    Endpoint(
        "GET",
        "/directoryRoles/{key}/scopedMembers",
        partial(list_members, kind="directoryRole", side="roleId"),
    ),
    Endpoint("GET", "/users/{key}/scopedRoleMemberOf", _of_user),
    Endpoint("GET", "/me/scopedRoleMemberOf", _of_user),
)
