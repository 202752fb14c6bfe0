"""Scopes (delegated permissions), and which a `scope` parameter or a record asks for. Pure."""

from typing import NamedTuple, cast

from entra_emulator.model import schema
from entra_emulator.model.app_roles import list_accesses
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Application, Record

# In the order of a recorded answer.
OPENID = ("email", "openid", "profile", "offline_access")
DEFAULT = ".default"


class ScopeName(NamedTuple):
    """A scope in a request: its whole text, the resource it names ("" is Graph), its name."""

    text: str
    resource: str
    name: str


def split_scope(text: str) -> tuple[frozenset[str], tuple[ScopeName, ...]]:
    """
    The OpenID scopes and the resources' scopes in a `scope` parameter.

    Without a resource in front a scope is Microsoft Graph's ("Scopes and
    permissions", Microsoft identity platform). A resource that ends in a slash
    keeps it: `https://host//.default`.
    """
    words = dict.fromkeys(text.split())
    openid = frozenset(word for word in words if word.lower() in OPENID)
    named = []
    for word in words:
        resource, slash, name = word.rpartition("/")
        if word not in openid:
            named.append(ScopeName(word, resource if slash else "", name))
    return frozenset(word.lower() for word in openid), tuple(named)


def find_scope(resource: Application, name: str) -> Record | None:
    """The resource's scope of this value, in any case of letters, or of this ID."""
    for scope in resource.record["oauth2PermissionScopes"]:
        if name.casefold() == scope["value"].casefold() or name == scope["id"]:
            return cast("Record", scope)
    return None


def is_restricted(scope: Record) -> bool:
    """Whether only an administrator may consent to it."""
    return bool(scope["type"] == "Admin")


def need_scope(resource: Application, value: str) -> str:
    """
    The ID of the resource's scope of this value or ID.

    Raises:
        LookupError: the resource has no such scope.
    """
    scope = find_scope(resource, value)
    if scope is None:
        of_graph = resource.app_id == GRAPH_APP_ID
        reason = schema.explain_absence(value, delegated=True) if of_graph else None
        hint = reason or "names look like 'User.Read'"
        raise LookupError(f"{resource.display_name} has no delegated permission {value!r}; {hint}")
    return str(scope["id"])


def list_scopes(record: Record, resource: Application) -> list[Record]:
    """The resource's scopes that the application's record asks for."""
    scope_ids = list_accesses(record, resource, "Scope")
    known = {scope["id"]: scope for scope in resource.record["oauth2PermissionScopes"]}
    return [known[scope_id] for scope_id in scope_ids if scope_id in known]
