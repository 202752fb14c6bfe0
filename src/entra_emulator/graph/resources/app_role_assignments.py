"""App role assignments: who holds which app role of which resource."""

from collections.abc import Iterator
from functools import partial

from starlette.responses import Response

from entra_emulator.directory.objects import StoredObject
from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing, answer_record, answer_records, locate
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.create import read_new
from entra_emulator.graph.objects.find import (
    find_object,
    find_visible,
    is_visible,
    read_record,
)
from entra_emulator.graph.objects.relations import RecordNavigation, enter_records
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.rules import EVERYWHERE, Rule, split_names
from entra_emulator.model.app_roles import find_entitlement
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record

_KIND = "appRoleAssignment"
_RULE = Rule(
    _KIND,
    fixed=split_names(f"{EVERYWHERE} principalDisplayName principalType resourceDisplayName"),
    required=("principalId", "resourceId", "appRoleId"),
)
_PRINCIPALS = frozenset({"group", "servicePrincipal", "user"})


def list_assignments(call: Call, *, kind: str, side: str) -> Response:
    """`GET /servicePrincipals/{id}/appRoleAssignedTo`, and below it `/$count`."""
    owner = _find_owner(call, kind)
    records = _read(call, read_record(owner), side=side)
    return answer_records(call, _KIND, _describe(owner, side), records)


def show_assignment(call: Call, *, kind: str, side: str) -> Response:
    """`GET /servicePrincipals/{id}/appRoleAssignedTo/{id}`."""
    owner = _find_owner(call, kind)
    assignment = _find(call, read_record(owner), side)
    return answer_record(call, _KIND, _describe(owner, side), assignment)


def create_assignment(call: Call, *, kind: str, side: str) -> Response:
    """`POST /servicePrincipals/{id}/appRoleAssignedTo`: new tokens hold the role."""
    values = read_new(call, _RULE).values
    with call.directory.transaction():
        owner = _find_owner(call, kind)
        # One end stands in the path and in the body, and they must agree.
        if read_record(owner)["id"] != values[f"{side}Id"]:
            raise deny("update_invalid")
        principal = find_visible(call, values["principalId"], _PRINCIPALS)
        resource = find_visible(call, values["resourceId"], {"servicePrincipal"})
        # An end that a lagging replica does not know yet is refused in the same words.
        if principal is None or resource is None:
            raise deny("update_invalid")
        offer = read_record(resource)
        _check_graph(call, offer, principal)
        role = find_entitlement(offer, values["appRoleId"], principal.kind)
        if role is None:
            raise deny("assignment_unfounded")
        try:
            assignment = call.directory.consents.assign(call.tenant, principal, offer, role)
        except ValueError as error:
            raise deny("assignment_present") from error
    location = locate(call, f"appRoleAssignments/{assignment['id']}")
    fragment = _describe(owner, side)
    return answer_record(call, _KIND, fragment, assignment, status=201, location=location)


def remove_assignment(call: Call, *, kind: str, side: str) -> Response:
    """`DELETE /servicePrincipals/{id}/appRoleAssignedTo/{id}`: new tokens lack the role."""
    with call.directory.transaction():
        owner = _find_owner(call, kind)
        call.directory.consents.unassign(call.tenant, _find(call, read_record(owner), side))
    return answer_nothing(call)


def _find_owner(call: Call, kind: str) -> StoredObject:
    """The object in the path, the signed-in user without one."""
    owner = find_object(call, kind, call.keys.get("key", call.caller.object_id))
    if not is_visible(call, owner):
        raise deny("object_missing", key=call.keys.get("key", ""))
    return owner


def _read(call: Call, owner: Record, *, side: str) -> list[Record]:
    return call.directory.consents.list_assignments(call.tenant, **{side: owner["id"]})


def _check_graph(call: Call, resource: Record, principal: StoredObject) -> None:
    """Refuse Graph's own application permissions to callers that may not give them."""
    # Whoever may grant Graph's own permissions could grant itself any power.
    is_graph = resource["appId"] == GRAPH_APP_ID and principal.kind == "servicePrincipal"
    if is_graph and not call.permit.graph_roles:
        raise deny("forbidden")


def _find(call: Call, owner: Record, side: str) -> Record:
    key = call.keys["assignment"]
    try:
        assignment = call.directory.consents.find_assignment(call.tenant, key)
    except ValueError as error:
        raise deny("assignment_malformed") from error
    if assignment is None or assignment[f"{side}Id"] != owner["id"]:
        raise deny("object_missing", key=key)
    return assignment


def _describe(owner: StoredObject, side: str) -> str:
    name = "appRoleAssignedTo" if side == "resource" else "appRoleAssignments"
    return f"{KINDS[owner.kind].collection}('{read_record(owner)['id']}')/{name}"


def _list_routes(path: str, kind: str, side: str) -> Iterator[Endpoint]:
    """The routes of the assignments in which the object is the "principal", or the "resource"."""
    listing = partial(list_assignments, kind=kind, side=side)
    yield Endpoint("GET", path, listing)
    yield Endpoint("GET", f"{path}/$count", listing)
    yield Endpoint("GET", f"{path}/{{assignment}}", partial(show_assignment, kind=kind, side=side))
    yield write_route("POST", path, partial(create_assignment, kind=kind, side=side))
    removing = partial(remove_assignment, kind=kind, side=side)
    yield write_route("DELETE", f"{path}/{{assignment}}", removing)


enter_records(
    RecordNavigation(
        "servicePrincipal", "appRoleAssignedTo", _KIND, partial(_read, side="resource")
    ),
    *(
        RecordNavigation(kind, "appRoleAssignments", _KIND, partial(_read, side="principal"))
        for kind in sorted(_PRINCIPALS)
    ),
)

ROUTES = (
    *_list_routes("/groups/{key}/appRoleAssignments", "group", "principal"),
    *_list_routes("/servicePrincipals/{key}/appRoleAssignedTo", "servicePrincipal", "resource"),
    *_list_routes("/servicePrincipals/{key}/appRoleAssignments", "servicePrincipal", "principal"),
    *_list_routes("/users/{key}/appRoleAssignments", "user", "principal"),
    Endpoint(
        "GET", "/me/appRoleAssignments", partial(list_assignments, kind="user", side="principal")
    ),
)
