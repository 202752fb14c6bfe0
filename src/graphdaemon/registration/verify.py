"""Verify a registration by a real call, made as the app."""

from collections.abc import Awaitable, Callable

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.token import Demand, Token, TokenSource
from graphdaemon.cloud import is_for_graph
from graphdaemon.diagnosis.permissions import find_need
from graphdaemon.diagnosis.token_claims import read_claims, read_roles
from graphdaemon.errors import Error, GraphError, IdentityError
from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.query import takes_top
from graphdaemon.http.transport import Transport
from graphdaemon.registration.admin_graph import WAITS_S
from graphdaemon.settings.model import Settings

# Errors that pass by themselves: the token service learns of the app, its service principal and its
# credential, and tokens get its roles, each some minutes after they were made.
_PASSING = frozenset(
    (
        *("secret_wrong", "certificate_refused", "credential_missing", "client_unknown"),
        *("resource_unknown", "assignment_missing", "identity_unavailable", "token_refused"),
        *("permission_missing", "credential_unproved", "graph_unavailable"),
    )
)


async def verify(
    settings: Settings,
    transport: Transport,
    roles: tuple[str, ...],
    *,
    sleep: Callable[[float], Awaitable[None]],
    say: Callable[[str], None],
) -> str:
    """
    Get a token with these roles, and make a call that they open; return what was done, in words.

    Args:
        settings: The settings that were written.
        transport: The connections to token service and Graph.
        roles: The app roles that the token must show; none where consent is missing.
        sleep: Waits some seconds.
        say: Tells a person what is waited for.

    Raises:
        Error: It does not work, or does not work in time.
    """
    for wait in (*WAITS_S, None):
        try:
            return await _call(settings, transport, roles)
        except Error as error:
            if error.code not in _PASSING:
                raise
            if wait is None:
                raise _give_up(error) from error
            say(f"Not in force everywhere yet ({error.code}); trying again in {wait:.0f} s.")
        await sleep(wait)
    raise AssertionError("the last attempt returns or raises")


async def _call(settings: Settings, transport: Transport, roles: tuple[str, ...]) -> str:
    # A token from the cache would show the roles of before.
    fetch = AppIdentity(settings, transport).fetch
    token = await transport.run(lambda: fetch(Demand(Token("", 0))))
    token_roles = read_roles(read_claims(token.value) or {})
    missing = [role for role in roles if role not in token_roles]
    if missing:
        raise IdentityError(
            f"the newest token lacks {', '.join(missing)}",
            code="credential_unproved",
            hint="Run it again in a few minutes.",
        )
    path = _choose_call(token_roles) if is_for_graph(_resource(settings)) else None
    if path is None:
        return f"the app gets tokens, with: {', '.join(token_roles) or 'no role yet'}"
    # The roles were seen in this token; a further one could come from a copy that lags.
    source = TokenSource(
        lambda demand: token if demand.instead_of is None else fetch(demand), transport.start
    )
    graph = Graph(transport, source, consent_url=settings.consent_url)
    await graph.page(f"{settings.graph_root}{path}", needs=token_roles[0])
    return f"the app called GET {path.partition('?')[0]}"


def _resource(settings: Settings) -> str:
    return settings.scope[0].removesuffix("/.default")


def _choose_call(roles: tuple[str, ...]) -> str | None:
    """A request for one record of a collection that these roles open, if there is one."""
    for name in CATALOG:
        need = find_need("GET", f"/{name}")
        if need is not None and need.is_met(roles):
            return f"/{name}?{'$top=1&' if takes_top(name) else ''}$select=id"
    return None


def _give_up(error: Error) -> Error:
    hint = (
        "Run it again in a few minutes; what was created is kept. Or run `graphdaemon doctor` "
        "to find out why."
    )
    if isinstance(error, GraphError):
        return GraphError(str(error), code=error.code, status=error.status, hint=hint)
    assert isinstance(error, IdentityError), "no other kind is waited for"
    return IdentityError(
        f"the credential was added, but is not accepted yet: {error}",
        code="credential_unproved",
        hint=hint,
        error=error.error,
        error_codes=error.error_codes,
        correlation_id=error.correlation_id,
    )
