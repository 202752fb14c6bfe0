"""Make the `Graph` that calls the API in the settings as the app that the settings describe."""

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.token import TokenSource
from graphdaemon.graph.graph import ATTEMPTS, Graph, Sender
from graphdaemon.graph.throttling.open import open_budget
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings


def open_graph(
    settings: Settings,
    transport: Transport,
    *,
    sender: Sender | None = None,
    share: float = 1.0,
    attempts: int = ATTEMPTS,
) -> Graph:
    """
    Return a `Graph`. Before its first request nothing is sent, and no credential is read.

    Args:
        settings: The tenant, the app and its credential, and the API.
        transport: Carries the requests for tokens, and those to the API unless `sender` is given.
        sender: Carries the requests to the API.
        share: The part of Graph's throttle budget that may be used: above 0, and 1 for all of it.
        attempts: How often a request is sent before its failure is raised.

    Raises:
        SettingsError, UsageError, OutputError: The throttle budget that the settings name cannot
            be opened.
    """
    tokens = TokenSource(
        AppIdentity(settings, transport).fetch,
        transport.start,
        key=(
            *(settings.authority, settings.oidc_authority, settings.client_id),
            *(settings.scope, settings.credentials, settings.cache),
        ),
    )
    return Graph(
        sender or transport,
        tokens,
        consent_url=settings.consent_url,
        budget=open_budget(settings, share),
        attempts=attempts,
    )
