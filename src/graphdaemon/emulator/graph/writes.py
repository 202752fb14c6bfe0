"""The routes that write, and the small sets that hang on applications."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from graphdaemon.emulator.graph import (
    account,
    application,
    assignment,
    change,
    create,
    credential,
    domain,
    federated,
    grant,
    principal,
    reference,
    remove,
    template,
)
from graphdaemon.emulator.graph.relation import NAVIGATIONS
from graphdaemon.emulator.graph.router import Endpoint

__all__ = ["list_writes"]

_Answer = Callable[[Any], Response]

_CREATE: dict[str, _Answer] = {
    "administrativeUnit": create.create_unit,
    "application": application.create_application,
    "device": create.create_device,
    "directoryRole": create.create_role,
    "group": create.create_group,
    "servicePrincipal": principal.create_principal,
    "user": create.create_user,
}
_CHANGE: dict[str, _Answer] = {
    "application": application.change_application,
    "servicePrincipal": principal.change_principal,
    **{
        kind: partial(change.change_object, kind=kind)
        for kind in ("administrativeUnit", "device", "group", "user")
    },
}
_CREDENTIALS = {
    "addKey": credential.add_key,
    "addPassword": credential.add_password,
    "removeKey": credential.remove_key,
    "removePassword": credential.remove_password,
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
                removing = partial(remove.remove_object, kind=kind)
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
                setting = partial(reference.set_single, navigation=row)
                dropping = partial(reference.remove_single, navigation=row)
                yield _write("PUT", f"{path}/$ref", setting)
                yield _write("DELETE", f"{path}/$ref", dropping)
            else:
                adding = partial(reference.add_reference, navigation=row)
                dropping = partial(reference.remove_reference, navigation=row)
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
    yield Endpoint("GET", path, federated.list_federated)
    yield Endpoint("GET", f"{path}/$count", federated.count_federated)
    yield Endpoint("GET", f"{path}/{{credential}}", federated.show_federated)
    yield _write("POST", path, federated.create_federated)
    yield _write("PATCH", f"{path}/{{credential}}", federated.change_federated)
    yield _write("DELETE", f"{path}/{{credential}}", federated.remove_federated)


def _list_permissions() -> Iterator[Endpoint]:
    """App role assignments, and consent to scopes."""
    for path, kind, side in _ASSIGNED:
        chosen: dict[str, Any] = {"kind": kind, "side": side}
        one = f"{path}/{{assignment}}"
        yield Endpoint("GET", path, partial(assignment.list_assignments, **chosen))
        yield Endpoint("GET", f"{path}/$count", partial(assignment.count_assignments, **chosen))
        yield Endpoint("GET", one, partial(assignment.show_assignment, **chosen))
        yield _write("POST", path, partial(assignment.create_assignment, **chosen))
        yield _write("DELETE", one, partial(assignment.remove_assignment, **chosen))
    mine = partial(assignment.list_assignments, kind="user", side="principal")
    yield Endpoint("GET", "/me/appRoleAssignments", mine)
    path = "/oauth2PermissionGrants"
    yield Endpoint("GET", path, grant.list_grants)
    yield Endpoint("GET", f"{path}/{{grant}}", grant.show_grant)
    yield _write("POST", path, grant.create_grant)
    yield _write("PATCH", f"{path}/{{grant}}", grant.change_grant)
    yield _write("DELETE", f"{path}/{{grant}}", grant.remove_grant)
    for kind, place in (("servicePrincipal", "/servicePrincipals/{key}"), ("user", "/users/{key}")):
        yield Endpoint("GET", f"{place}{path}", partial(grant.list_grants_of, kind=kind))
    yield Endpoint("GET", f"/me{path}", partial(grant.list_grants_of, kind="user"))


def _write(method: str, path: str, answer: _Answer) -> Endpoint:
    return Endpoint(method, path, answer, blocking=True)
