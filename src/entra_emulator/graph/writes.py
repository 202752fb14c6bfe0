"""The routes that write, and the small sets that hang on applications."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from entra_emulator.graph.objects import change, create, delete, references
from entra_emulator.graph.objects.relations import NAVIGATIONS
from entra_emulator.graph.resources import (
    account,
    app_role_assignments,
    domain,
    federated_credentials,
    passwords_and_keys,
    permission_grants,
    service_principals,
    template,
)
from entra_emulator.graph.resources import applications as application
from entra_emulator.graph.router import Endpoint

_Answer = Callable[[Any], Response]

_CREATE: dict[str, _Answer] = {
    "administrativeUnit": create.create_unit,
    "application": application.create_application,
    "device": create.create_device,
    "directoryRole": create.create_role,
    "group": create.create_group,
    "servicePrincipal": service_principals.create_principal,
    "user": create.create_user,
}
_CHANGE: dict[str, _Answer] = {
    "application": application.change_application,
    "servicePrincipal": service_principals.change_principal,
    **{
        kind: partial(change.change_object, kind=kind)
        for kind in ("administrativeUnit", "device", "group", "user")
    },
}
_CREDENTIALS = {
    "addKey": passwords_and_keys.add_key,
    "addPassword": passwords_and_keys.add_password,
    "removeKey": passwords_and_keys.remove_key,
    "removePassword": passwords_and_keys.remove_password,
}
# What may be assigned, or assign, and from which side.
_ASSIGNED = (
    ("/groups/{key}/appRoleAssignments", "group", "principal"),
    ("/servicePrincipals/{key}/appRoleAssignedTo", "servicePrincipal", "resource"),
    ("/servicePrincipals/{key}/appRoleAssignments", "servicePrincipal", "principal"),
    ("/users/{key}/appRoleAssignments", "user", "principal"),
)


def list_writes(places: Mapping[str, Sequence[str]]) -> Iterator[Endpoint]:
    """Every route that writes; `places` says where each type's set stands."""
    for kind, paths in places.items():
        for path in paths:
            yield _write("POST", path, _CREATE[kind])
            if kind in _CHANGE:
                yield _write("PATCH", f"{path}/{{key}}", _CHANGE[kind])
                removing = partial(delete.remove_object, kind=kind)
                yield _write("DELETE", f"{path}/{{key}}", removing)
    yield from _list_references(places)
    yield from _list_credentials()
    yield from _list_permissions()
    yield _write("PATCH", "/me", change.change_me)
    yield _write("POST", "/me/revokeSignInSessions", account.revoke_my_sessions)
    yield _write("POST", "/users/{key}/revokeSignInSessions", account.revoke_sessions)
    yield _write("POST", "/domains", domain.create_domain)
    yield _write("DELETE", "/domains/{key}", domain.remove_domain)
    yield Endpoint("GET", "/directoryRoleTemplates", template.list_templates)
    yield Endpoint("GET", "/directoryRoleTemplates/{key}", template.show_template)


def _list_references(places: Mapping[str, Sequence[str]]) -> Iterator[Endpoint]:
    """Links that are added and removed by reference."""
    for (kind, name), row in NAVIGATIONS.items():
        if not row.writable:
            continue
        for place in places[kind]:
            path = f"{place}/{{key}}/{name}"
            if row.single:
                setting = partial(references.set_single, navigation=row)
                dropping = partial(references.remove_single, navigation=row)
                yield _write("PUT", f"{path}/$ref", setting)
                yield _write("DELETE", f"{path}/$ref", dropping)
            else:
                adding = partial(references.add_reference, navigation=row)
                dropping = partial(references.remove_reference, navigation=row)
                yield _write("POST", f"{path}/$ref", adding)
                yield _write("DELETE", f"{path}/{{target}}/$ref", dropping)


def _list_credentials() -> Iterator[Endpoint]:
    """Secrets, certificates and federated credentials."""
    for kind, place in (
        ("application", "/applications"),
        ("servicePrincipal", "/servicePrincipals"),
    ):
        for name, answer in _CREDENTIALS.items():
            yield _write("POST", f"{place}/{{key}}/{name}", partial(answer, kind=kind))
    path = "/applications/{key}/federatedIdentityCredentials"
    yield Endpoint("GET", path, federated_credentials.list_federated)
    yield Endpoint("GET", f"{path}/$count", federated_credentials.count_federated)
    yield Endpoint("GET", f"{path}/{{credential}}", federated_credentials.show_federated)
    yield _write("POST", path, federated_credentials.create_federated)
    yield _write("PATCH", f"{path}/{{credential}}", federated_credentials.change_federated)
    yield _write("DELETE", f"{path}/{{credential}}", federated_credentials.remove_federated)


def _list_permissions() -> Iterator[Endpoint]:
    """App role assignments, and consent to scopes."""
    for path, kind, side in _ASSIGNED:
        chosen: dict[str, Any] = {"kind": kind, "side": side}
        one = f"{path}/{{assignment}}"
        yield Endpoint("GET", path, partial(app_role_assignments.list_assignments, **chosen))
        yield Endpoint(
            "GET", f"{path}/$count", partial(app_role_assignments.count_assignments, **chosen)
        )
        yield Endpoint("GET", one, partial(app_role_assignments.show_assignment, **chosen))
        yield _write("POST", path, partial(app_role_assignments.create_assignment, **chosen))
        yield _write("DELETE", one, partial(app_role_assignments.remove_assignment, **chosen))
    mine = partial(app_role_assignments.list_assignments, kind="user", side="principal")
    yield Endpoint("GET", "/me/appRoleAssignments", mine)
    path = "/oauth2PermissionGrants"
    yield Endpoint("GET", path, permission_grants.list_grants)
    yield Endpoint("GET", f"{path}/{{grant}}", permission_grants.show_grant)
    yield _write("POST", path, permission_grants.create_grant)
    yield _write("PATCH", f"{path}/{{grant}}", permission_grants.change_grant)
    yield _write("DELETE", f"{path}/{{grant}}", permission_grants.remove_grant)
    for kind, place in (("servicePrincipal", "/servicePrincipals/{key}"), ("user", "/users/{key}")):
        yield Endpoint(
            "GET", f"{place}{path}", partial(permission_grants.list_grants_of, kind=kind)
        )
    yield Endpoint("GET", f"/me{path}", partial(permission_grants.list_grants_of, kind="user"))


def _write(method: str, path: str, answer: _Answer) -> Endpoint:
    return Endpoint(method, path, answer, blocking=True)
