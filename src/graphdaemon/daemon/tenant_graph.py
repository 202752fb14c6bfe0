"""A tenant of the daemon: its settings, and its connection to Graph while these hold."""

from collections.abc import Callable, Mapping

from graphdaemon.daemon.options import DaemonOptions
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.open import open_graph
from graphdaemon.http.response import Response
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings
from graphdaemon.sync.tenant import Tenant, ask_tenant, name_tenant, read_tenant


class _NotedSender:
    """Passes requests on, and notes when the last answer came."""

    def __init__(self, transport: Transport, steady: Callable[[], float]) -> None:
        self._transport = transport
        self._steady = steady
        self.answered = steady()

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """Send one request and read the whole answer."""
        response = await self._transport.send(method, url, headers, body)
        self.answered = self._steady()
        return response


class TenantGraph:
    """
    The connection to the Graph of one tenant; nothing is sent before it is needed.

    Args:
        name: The name of the tenant's settings file.
        settings: What it says.
        options: How the daemon works.

    Attributes:
        key: The tenant's ID, or what its settings call it.
        is_refused: Its credentials were not accepted.
    """

    def __init__(self, name: str, settings: Settings, options: DaemonOptions) -> None:
        self.name = name
        self.settings = settings
        self.key = find_key(name, settings)
        self.is_refused = False
        self._steady = options.clock.steady
        self._transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
        self._sender = _NotedSender(self._transport, self._steady)
        self._tenant = read_tenant(settings)
        self.graph: Graph = open_graph(
            settings,
            self._transport,
            sender=self._sender,
            share=options.share,
            attempts=options.attempts,
        )

    async def prepare(self) -> Tenant:
        """
        Get a token, and find out the tenant's ID.

        Raises:
            SettingsError: A credential cannot be used.
            IdentityError: The identity platform refused, or made no sense.
            NetworkError: It did not answer.
        """
        self.note_answer()
        await self.graph.tokens.token()
        if self._tenant is None:
            self._tenant = await ask_tenant(self.settings, self._transport, self.graph.tokens)
        self.note_answer()
        return self._tenant

    def note_answer(self) -> None:
        """Count from now how long no answer has come."""
        self._sender.answered = self._steady()

    def silent_for(self) -> float:
        """Return for how many seconds no answer has come."""
        return self._steady() - self._sender.answered

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()


def find_key(name: str, settings: Settings) -> str:
    """Return what a tenant's leases go by: its ID, or what its settings call it, or its file."""
    tenant = read_tenant(settings)
    return tenant.id if tenant is not None else name_tenant(settings).lower() or name
