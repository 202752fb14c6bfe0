"""What a call requires of its caller, and whether a caller fulfils it."""

from collections.abc import Iterable
from typing import NamedTuple

from graphdaemon.errors import SettingsError
from graphdaemon.protect.caller import Caller
from graphdaemon.protect.refusal import refuse


class Requirement(NamedTuple):
    """
    What is required of a caller.

    Attributes:
        roles: App roles. An app needs one of them; empty if only `clients` decides.
        every: The app needs all of `roles`.
        clients: The client IDs of the apps that may call, in lower case; empty if any app may.
        scopes: Delegated permissions. An app with a user needs one of them; empty if such apps may
            not call.
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
    Describe what a call requires of its caller.

    Args:
        *roles: App roles. An app needs one of them.
        every: The app needs all of them.
        clients: The client IDs of the only apps that may call.
        scopes: Delegated permissions. An app that calls on behalf of a user needs one of them.
            Without any, no such app may call.

    Raises:
        SettingsError: Nothing is required, so every app of the tenant could call. Or something is
            required that no caller can have.
    """
    named, listed, permissions = frozenset(roles), as_texts(clients), as_texts(scopes)
    for value in (*named, *listed, *permissions):
        _check_name(value)
    needed = Requirement(named, every, frozenset(map(str.lower, listed)), permissions)
    if not (needed.roles or needed.clients or needed.scopes):
        raise SettingsError(
            "nothing is required of a caller: there are no roles, no clients and no scopes",
            code="setting_missing",
            hint="Set roles in the settings to the app roles that allow a call, or clients to the "
            "client IDs of the apps that may call. Otherwise every app of the tenant could "
            "call, because Entra ID gives each of them a token.",
        )
    return needed


def _check_name(value: object) -> None:
    """Refuse what no token holds: it would close the API, and nobody would know why."""
    if isinstance(value, str) and value and not any(sign.isspace() for sign in value):
        return
    raise SettingsError(
        f"a caller cannot have {value!r}, because that is not the name of a role, client or scope",
        code="setting_invalid",
        hint='Write each name as a text of its own, without blanks: require("Orders.Read.All", '
        '"Orders.Write.All").',
    )


def as_texts(value: Iterable[str] | str) -> frozenset[str]:
    """Return the texts of a collection; a text alone is one, and not its characters."""
    return frozenset((value,) if isinstance(value, str) else value)


def authorise(caller: Caller, needed: Requirement) -> None:
    """
    Check that a caller fulfils what a call requires.

    Raises:
        CallerRefusedError: The caller does not. The message names what is missing.
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
