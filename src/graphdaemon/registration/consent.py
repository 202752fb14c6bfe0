"""Admin consent: the page where it is given, and waiting until new tokens show it."""

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.token import Demand, Token
from graphdaemon.cloud import is_for_graph
from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.permissions import Need, find_need, parse_call
from graphdaemon.diagnosis.token_claims import read_claims, read_roles
from graphdaemon.errors import IdentityError, NetworkError, SettingsError
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings

logger = logging.getLogger(__name__)

# Errors that pass while waiting: consent brings the app into the tenant and assigns it to the API;
# a token service that is overloaded recovers.
_PASSING = frozenset(
    {"client_unknown", "assignment_missing", "resource_unknown", "identity_unavailable"}
)
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 2.0, 10.0


class AwaitedRoles(NamedTuple):
    """
    The roles that a token must show before consent counts as given.

    Attributes:
        roles: All of these.
        needs: For each of these calls, one of the roles it accepts.
    """

    roles: tuple[str, ...]
    needs: tuple[Need, ...]

    def is_met(self, roles: Sequence[str]) -> bool:
        """Whether a token with `roles` shows them; if none are named, any role will do."""
        if not self.roles and not self.needs:
            return bool(roles)
        return set(self.roles) <= set(roles) and all(need.is_met(roles) for need in self.needs)

    def __str__(self) -> str:
        return (
            ", ".join(dict.fromkeys((*self.roles, *(need.words for need in self.needs))))
            or "any role"
        )


def build_consent_url(settings: Settings, *, redirect_uri: str | None = None) -> str:
    """
    Build the address of the admin consent page of the settings' cloud and tenant.

    Without `redirect_uri` the page grants all that the registration asks for; with it, the page is
    that of version 2, which grants what the registration asks of the API in `scope`.

    Raises:
        SettingsError: There is no such page for a custom issuer or a machine's identity.
    """
    if settings.authority is None or not settings.client_id:
        raise SettingsError(
            "there is no consent page: the settings name no authority of Entra ID"
            if settings.client_id or settings.oidc_authority
            else "a managed identity has no consent page",
            code="setting_missing",
            hint="Set authority and client_id; a managed identity is granted roles with Graph "
            "(appRoleAssignments) or PowerShell, not on a page.",
        )
    base = settings.authority.rstrip("/")
    if redirect_uri is None:
        return f"{base}/adminconsent?{urlencode({'client_id': settings.client_id})}"
    values = {
        "client_id": settings.client_id,
        # Application permissions are granted by `/.default` alone ("Admin consent on the Microsoft
        # identity platform").
        "scope": settings.scope[0],
        "redirect_uri": redirect_uri,
        "state": secrets.token_urlsafe(12),
    }
    return f"{base}/v2.0/adminconsent?{urlencode(values)}"


def read_awaited_roles(
    settings: Settings, roles: Sequence[str], calls: Sequence[str]
) -> AwaitedRoles:
    """
    Say what to wait for: the roles and calls that are named, or else what `endpoint` needs.

    Raises:
        SettingsError: A call is not of the form `GET /users`, or not in the table.
    """
    needs: list[Need] = []
    for text in calls:
        need = find_need(*parse_call(text))
        if need is None:
            raise SettingsError(
                f"what {text!r} needs is not known",
                code="setting_invalid",
                hint='Write a verb and a path of Graph, such as "GET /users", or name the --role.',
            )
        needs.append(need)
    resource = settings.scope[0].removesuffix("/.default")
    if not roles and not calls and is_for_graph(resource):
        need = find_need("GET", urlsplit(settings.endpoint).path)
        needs = [need] if need is not None else []
    return AwaitedRoles(tuple(roles), tuple(needs))


def wait_for_consent(
    settings: Settings,
    awaited: AwaitedRoles,
    seconds: float,
    *,
    fetch: Callable[[Settings, Demand], Token] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> tuple[str, ...]:
    """
    Ask for new tokens until one shows the awaited roles; return the roles of that token.

    Raises:
        IdentityError: `consent_pending` after `seconds`, or an error that does not pass.
    """
    fetch = fetch or _fetch
    deadline = now() + seconds
    pause, status = _FIRST_PAUSE_S, ""
    token: Token | None = None
    roles: tuple[str, ...] = ()
    while True:
        try:
            # A token shows the roles of the moment it was issued, so one from a cache never would.
            token = fetch(settings, Demand(token or Token("", 0)))
            roles = read_roles(read_claims(token.value) or {})
            status = f"the newest token has: {', '.join(roles) or 'no role'}"
        except (IdentityError, NetworkError) as error:
            if isinstance(error, IdentityError) and error.code not in _PASSING:
                raise
            status = str(error)
        if awaited.is_met(roles):
            return roles
        # Looked at after the attempt, so that even 0 seconds mean one attempt.
        seconds_left = deadline - now()
        if seconds_left <= 0:
            raise _pending(settings, awaited, seconds, status)
        logger.info("not yet: %s", status)
        sleep(min(pause, seconds_left))
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def _pending(
    settings: Settings, awaited: AwaitedRoles, seconds: float, status: str
) -> IdentityError:
    return IdentityError(
        f"no consent to {awaited} within {seconds:g} s; {status}",
        code="consent_pending",
        hint=advise("consent_missing", {"consent": settings.consent_url}).step,
        case="consent_missing",
    )


def _fetch(settings: Settings, demand: Demand) -> Token:
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
    try:
        return AppIdentity(settings, transport).fetch(demand)
    finally:
        transport.close()
