"""Who registers the app: a user who signs in here, Azure CLI's user, or an app that may."""

import dataclasses
import shutil
import subprocess
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.msal_sign_in import SignIn
from graphdaemon.auth.token import Demand, Token, TokenSource
from graphdaemon.diagnosis.token_claims import read_claims
from graphdaemon.errors import Error, IdentityError, SettingsError
from graphdaemon.http.transport import Transport
from graphdaemon.received.json import decode
from graphdaemon.received.numbers import read_time
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import ANY_TENANT

PUBLIC_CLIENT = "14d82eec-204b-4c2f-b7e8-296a70dab67e"
"""The client ID of Microsoft Graph Command Line Tools, which every tenant knows."""

SCOPES = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All")
"""The delegated permissions that a user signs in with."""

# A person may have to find a password, confirm a second factor and read what is asked for.
_BROWSER_S = 300.0
# Azure CLI takes seconds to start, and may renew its token over the network.
_AZ_TIMEOUT_S = 60


@dataclasses.dataclass(frozen=True)
class Administrator:
    """
    Whoever registers the app.

    Attributes:
        tokens: The access tokens to send; a user's is kept in memory alone.
        settings: Authority, Graph and certificate authorities of the administrator's tenant.
        as_app: The administrator is an app, not a user.
    """

    tokens: TokenSource
    settings: Settings
    as_app: bool = False


def sign_in(
    settings: Settings, transport: Transport, *, browser: bool, tell: Callable[[str], None]
) -> Administrator:
    """
    Sign a user in, in this machine's browser or by a code that is entered in any; blocks.

    Raises:
        IdentityError: The user did not sign in, or may not.
        NetworkError: The token service was not reached.
    """
    scopes = [f"{settings.scope[0].removesuffix('/.default')}/{name}" for name in SCOPES]
    client = SignIn(settings, transport)
    token = client.by_browser(scopes, tell, _BROWSER_S) if browser else client.by_code(scopes, tell)
    return _as_user(token, settings, transport, _read_tenant(token))


def take_az(settings: Settings, transport: Transport) -> Administrator:
    """
    Take the sign-in of Azure CLI. Its token comes over a pipe, so that no list of processes has it.

    Raises:
        SettingsError: There is no Azure CLI, nobody is signed in to it, or its answer is no token.
    """
    tenant = urlsplit(settings.authority or "").path.strip("/")
    resource = settings.scope[0].removesuffix("/.default")
    arguments = ["account", "get-access-token", "--output", "json", "--resource", resource]
    answer = _run_az([*arguments, *([] if tenant == ANY_TENANT else ["--tenant", tenant])])
    try:
        content = decode(answer.encode())
        token = Token(str(content["accessToken"]), _read_expiry(content), issued_at=time.time())
        return _as_user(token, settings, transport, str(content["tenant"]))
    except (ValueError, LookupError, TypeError):
        raise _unusable("answered something else than a token") from None


def take_app(settings: Settings, transport: Transport) -> Administrator:
    """Take an app that may register others; nothing is sent yet."""
    tokens = TokenSource(AppIdentity(settings, transport).fetch, transport.start)
    return Administrator(tokens, settings, as_app=True)


def _as_user(token: Token, settings: Settings, transport: Transport, tenant: str) -> Administrator:
    """The user who has this one token; settings for any tenant become those for `tenant`."""

    def fetch(demand: Demand) -> Token:
        if demand.instead_of is None:
            return token
        # A user's refresh token is not kept, so nothing here could get a second token.
        raise IdentityError(
            "the sign-in is over, or Microsoft Graph does not accept it",
            code="sign_in_failed",
            hint="Run it again: it continues where it stopped.",
        )

    authority = settings.authority or ""
    if authority.endswith(f"/{ANY_TENANT}"):
        authority = f"{authority.removesuffix(ANY_TENANT)}{tenant}"
    return Administrator(
        TokenSource(fetch, transport.start), dataclasses.replace(settings, authority=authority)
    )


def _read_tenant(token: Token) -> str:
    tenant = (read_claims(token.value) or {}).get("tid")
    if not isinstance(tenant, str):
        raise IdentityError(
            "the token of whoever signed in does not say the tenant",
            code="identity_unreadable",
            hint="Say which one with --tenant.",
        )
    return tenant


def _run_az(arguments: list[str]) -> str:
    # On Windows it is az.cmd, which starts by its full path alone.
    program = shutil.which("az")
    if program is None:
        raise _unusable("is not installed, or not on PATH")
    try:
        process = subprocess.run(  # noqa: S603  the user's own Azure CLI; there is no shell
            [program, *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_AZ_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise _unusable("could not be started, or did not end") from None
    # What it printed may hold the token: it is not repeated.
    if process.returncode != 0:
        raise _unusable(f"ended with exit code {process.returncode}")
    return process.stdout.decode("utf-8", "replace")


def _read_expiry(content: dict[str, object]) -> float:
    """When the token expires, in epoch seconds; an hour from now if Azure CLI does not say."""
    # Versions before 2.54 give it in local time only, without the zone.
    expires_on = read_time(content.get("expires_on"))
    return time.time() + 3600 if expires_on is None else expires_on


def _unusable(problem: str) -> Error:
    return SettingsError(
        f"Azure CLI {problem}",
        code="az_unusable",
        hint="Run `az login` (with --tenant, and --allow-no-subscriptions where there are none), "
        "or leave --az out and sign in here.",
    )
