"""Callers of Graph with given permissions, and what they may do."""

from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.access.authorize import Permit, authorize
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.records import Tenant
from entra_emulator.web.caller import Caller

TENANT = Tenant(1, "t", "T", (), "EU", 0.0)


def caller(*permissions: str, delegated: bool = False) -> Caller:
    return Caller(TENANT, "app", "user", frozenset(permissions), delegated, {})


def may(permissions: str, route: str, *, roles: str | None = None) -> Permit | None:
    """What an application may, or with `roles` a user of those roles."""
    method, path = route.split(" ")
    held = [ROLES[name.strip()] for name in roles.split(",") if name] if roles else []
    try:
        return authorize(
            caller(*permissions.split(), delegated=roles is not None), method, path, lambda: held
        )
    except GraphRefusal:
        return None
