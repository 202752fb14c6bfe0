"""The host names of Microsoft's services, for which an emulator in process answers."""

# The worldwide cloud's.
LOGIN_NAME = "login.microsoftonline.com"
GRAPH_NAME = "graph.microsoft.com"

# Of every cloud, as "National clouds" and "Microsoft Graph national cloud deployments" have them,
# and Azure Resource Manager's, which Azure CLI asks.
SERVICE_NAMES = (
    LOGIN_NAME,
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "login.chinacloudapi.cn",
    GRAPH_NAME,
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
    "management.azure.com",
)
