"""Which tenant a client's settings mean."""

from graphdaemon.client.client import Client
from graphdaemon.http.transport import Transport
from graphdaemon.sync.tenant import Tenant, ask_tenant, read_tenant


async def find_tenant(client: Client) -> Tenant:
    """
    Return the tenant by its ID, which is in the settings or is requested.

    Raises:
        IdentityError, NetworkError: The ID had to be requested, and that failed.
    """
    settings = client.settings
    tenant = read_tenant(settings)
    if tenant is not None:
        return tenant
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
    try:
        return await ask_tenant(settings, transport, client.graph.tokens)
    finally:
        transport.close()
