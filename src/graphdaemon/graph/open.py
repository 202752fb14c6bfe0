"""Open Graph, or an API of one's own, as the app that the settings describe."""

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
    Return what sends requests; nothing is read or sent before the first.

    Args:
        settings: Whose directory it is, and as which app it is read.
        transport: Carries the requests for tokens, and by default all others.
        sender: Carries the requests to Graph.
        share: Part of Graph's throttle budget to use, such as 0.3.
        attempts: How often a request is sent before its failure is raised.
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
