"""The hosts of Microsoft that lead to the emulator."""

from entra_emulator.token_service.discovery import list_authority_hosts

# "Microsoft Graph national cloud deployments" on learn.microsoft.com.
_GRAPH = (
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
)
_RESOURCE_MANAGER = ("management.azure.com", "management.core.windows.net")


def list_hosts() -> tuple[str, ...]:
    """The names of the token service, of Graph in every cloud, and of Azure Resource Manager."""
    return (*list_authority_hosts(), *_GRAPH, *_RESOURCE_MANAGER)
