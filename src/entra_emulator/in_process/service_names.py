"""The host names of Microsoft's services, by which programs reach an emulator unchanged."""

from entra_emulator.token_service.discovery import list_authority_hosts

# The worldwide cloud's.
LOGIN_NAME = "login.microsoftonline.com"
GRAPH_NAME = "graph.microsoft.com"

# "Microsoft Graph national cloud deployments" on learn.microsoft.com.
_GRAPH = (
    GRAPH_NAME,
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
)
_RESOURCE_MANAGER = ("management.azure.com", "management.core.windows.net")

# Of the token service and Graph in every cloud, and of Azure Resource Manager.
SERVICE_NAMES = (*list_authority_hosts(), *_GRAPH, *_RESOURCE_MANAGER)
