"""What a call needs of its caller, and whether a caller has it."""

from collections.abc import Iterable
from typing import NamedTuple

from graphdaemon.errors import SettingsError
from graphdaemon.protect.caller import Caller
from graphdaemon.protect.refusal import refuse


class Requirement(NamedTuple):
    """
    What a caller needs to have.

    Attributes:
        roles: App roles, of which an app needs one; empty if `clients` alone decides.
        every: The app needs all `roles`.
        clients: The client IDs of the apps that may call, in small letters; empty if any may.
        scopes: Delegated permissions, of which an app with a user needs one; empty if none may
            call.
    """

    roles: frozenset[str]
    every: bool = False
    clients: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()


def require(
    *roles: str,
    every: bool = False,
    clients: Iterable[str] | str = (),
    scopes: Iterable[str] | str = (),
) -> Requirement:
    """
    Say what a call needs of its caller.

    Args:
        *roles: App roles; an app needs one of them.
        every: It needs all of them.
        clients: Client IDs of the only apps that may call.
        scopes: Delegated permissions; an app that calls for a user needs one of them. Without any,
            no such app may call.

    Raises:
        SettingsError: Nothing is required, so that every app of the tenant could call; or what no
            caller can have.
    """
    named, listed, permissions = frozenset(roles), as_texts(clients), as_texts(scopes)
    for value in (*named, *listed, *permissions):
        _check_name(value)
    needed = Requirement(named, every, frozenset(map(str.lower, listed)), permissions)
    if not (needed.roles or needed.clients or needed.scopes):
        raise SettingsError(
            "nothing is required of a caller: neither roles nor clients nor scopes",
            code="setting_missing",
            hint="Set roles in the settings to the app roles that allow a call, or clients to the "
            "client IDs of the apps that may call: Entra ID gives every app of the tenant a token.",
        )
    return needed


def _check_name(value: object) -> None:
    """Refuse what no token holds: it would close the API, and nobody would know why."""
    if isinstance(value, str) and value and not any(sign.isspace() for sign in value):
        return
    raise SettingsError(
        f"a caller cannot have {value!r}: that is no name of a role, client or scope",
        code="setting_invalid",
        hint="Give each name as a text of its own, without blanks: "
        'require("Orders.Read.All", "Orders.Write.All").',
    )


def as_texts(value: Iterable[str] | str) -> frozenset[str]:
    """Return the texts of a collection; a text alone is one, and not its characters."""
    return frozenset((value,) if isinstance(value, str) else value)


def authorise(caller: Caller, needed: Requirement) -> None:
    """
    Check that a caller has what a call needs.

    Raises:
        CallerRefusedError: It has not; what is missing is named.
    """
    if caller.is_app:
        _check_roles(caller, needed)
    elif not needed.scopes:
        raise refuse("caller_delegated")
    elif needed.scopes.isdisjoint(caller.scopes):
        raise refuse("caller_scope_missing", scope=" ".join(sorted(needed.scopes)))
    if needed.clients and caller.client_id not in needed.clients:
        raise refuse("caller_unlisted", client=caller.client_id)


def _check_roles(caller: Caller, needed: Requirement) -> None:
    if not needed.roles:
        if not needed.clients:
            raise refuse("caller_app_only", scope=" ".join(sorted(needed.scopes)))
        return
    missing = needed.roles - caller.roles
    if not missing or (not needed.every and missing != needed.roles):
        return
    words = (" and " if needed.every else " or ").join(sorted(missing))
    raise refuse("caller_role_missing" if caller.roles else "caller_role_none", role=words)
