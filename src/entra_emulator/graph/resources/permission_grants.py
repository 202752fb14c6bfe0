"""Consent to scopes: `oauth2PermissionGrants`."""

from functools import partial

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing, answer_record, answer_records, locate
from entra_emulator.graph.call import Call
from entra_emulator.graph.delta.grants import show_grants_delta
from entra_emulator.graph.objects.create import read_new
from entra_emulator.graph.objects.find import find_object, find_visible, read_record
from entra_emulator.graph.objects.relations import RecordNavigation, enter_records
from entra_emulator.graph.router import Endpoint, write_route
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.rules import Rule, split_names
from entra_emulator.graph.write.validate import check_echoed, read_properties, refuse_value
from entra_emulator.model.records import Record

_KIND = "oAuth2PermissionGrant"
_SET = "oauth2PermissionGrants"

# Which property names the owner of a grant, by the owner's type.
_SIDES = {"servicePrincipal": "clientId", "user": "principalId"}

_RULE = Rule(
    _KIND,
    fixed=split_names("id"),
    once=split_names("clientId consentType principalId resourceId"),
    required=("clientId", "consentType", "resourceId"),
    lengths={"scope": 3850},
    choices={"consentType": split_names("AllPrincipals Principal")},
    guids=split_names("clientId principalId resourceId"),
)


def list_grants(call: Call) -> Response:
    """`GET /oauth2PermissionGrants`."""
    return answer_records(call, _KIND, _SET, call.directory.consents.list_grants(call.tenant))


def list_grants_of(call: Call, *, kind: str) -> Response:
    """`GET /servicePrincipals/{id}/oauth2PermissionGrants`: of a client, or of a user."""
    owner = find_object(call, kind, call.keys.get("key", call.caller.object_id))
    return answer_records(call, _KIND, _SET, _read(call, read_record(owner), name=_SIDES[kind]))


def show_grant(call: Call) -> Response:
    """`GET /oauth2PermissionGrants/{id}`."""
    return answer_record(call, _KIND, _SET, _find(call))


def create_grant(call: Call) -> Response:
    """`POST /oauth2PermissionGrants`: new tokens hold the scopes."""
    values = read_new(call, _RULE).values
    principal = values.get("principalId")
    # Consent for all has no principal, consent of one user must name the user.
    if (values["consentType"] == "Principal") != bool(principal):
        raise refuse_value("oAuth2PermissionGrant", "principalId")
    scope = _join(values.get("scope") or "")
    with call.directory.transaction():
        client = find_visible(call, values["clientId"], {"servicePrincipal"})
        resource = find_visible(call, values["resourceId"], {"servicePrincipal"})
        if client is None:
            raise deny("object_missing", key=values["clientId"])
        if resource is None:
            raise deny("grant_baseless")
        if principal and call.directory.objects.find(call.tenant, principal, kind="user") is None:
            raise deny("object_missing", key=principal)
        ends = read_record(client)["id"], read_record(resource)["id"]
        user = principal.lower() if principal else None
        try:
            grant = call.directory.consents.add_grant(call.tenant, *ends, user, scope)
        except ValueError as error:
            raise deny("grant_present") from error
    location = locate(call, f"{_SET}/{grant['id']}")
    return answer_record(call, _KIND, _SET, grant, status=201, location=location)


def change_grant(call: Call) -> Response:
    """`PATCH /oauth2PermissionGrants/{id}`: only its scopes can change."""
    body = read_properties(_RULE, read_payload(call), creating=False)
    scope = body.values.get("scope", "")
    if scope is None:
        raise refuse_value("oAuth2PermissionGrant", "scope")
    with call.directory.transaction():
        grant = _find(call)
        check_echoed(_KIND, grant, body)
        if "scope" in body.values:
            call.directory.consents.change_grant(call.tenant, grant, _join(scope))
    return answer_nothing(call)


def remove_grant(call: Call) -> Response:
    """`DELETE /oauth2PermissionGrants/{id}`: new tokens lack the scopes."""
    with call.directory.transaction():
        call.directory.consents.change_grant(call.tenant, _find(call), None)
    return answer_nothing(call)


def _read(call: Call, owner: Record, *, name: str) -> list[Record]:
    """The grants that name the owner there."""
    grants = call.directory.consents.list_grants(call.tenant)
    return [grant for grant in grants if grant[name] == owner["id"]]


def _find(call: Call) -> Record:
    key = call.keys["grant"]
    grant = call.directory.consents.find_grant(call.tenant, key)
    if grant is None:
        raise deny("object_missing", key=key)
    return grant


def _join(scope: str) -> str:
    """The scopes, each once, one blank apart."""
    return " ".join(dict.fromkeys(scope.split()))


_of_client = partial(list_grants_of, kind="servicePrincipal")
_of_user = partial(list_grants_of, kind="user")

enter_records(
    *(
        RecordNavigation(kind, _SET, _KIND, partial(_read, name=name), contained=False)
        for kind, name in _SIDES.items()
    )
)

SETS = {_SET: _KIND}
ROUTES = (
    Endpoint("GET", f"/{_SET}", list_grants),
    Endpoint("GET", f"/{_SET}/{{grant}}", show_grant),
    Endpoint("GET", f"/{_SET}/delta", show_grants_delta),
    write_route("POST", f"/{_SET}", create_grant),
    write_route("PATCH", f"/{_SET}/{{grant}}", change_grant),
    write_route("DELETE", f"/{_SET}/{{grant}}", remove_grant),
    Endpoint("GET", f"/servicePrincipals/{{key}}/{_SET}", _of_client),
    Endpoint("GET", f"/users/{{key}}/{_SET}", _of_user),
    Endpoint("GET", f"/me/{_SET}", _of_user),
)
