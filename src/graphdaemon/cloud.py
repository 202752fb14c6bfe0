"""The national clouds: the hosts that issue tokens there, and what Graph is called."""

from typing import NamedTuple
from urllib.parse import urlsplit

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
"""The application ID of Microsoft Graph, the same in every tenant and cloud."""


class Cloud(NamedTuple):
    """
    One cloud.

    Attributes:
        name: Our own name for it.
        authority_hosts: The hosts of its token service: the documented one first, then its aliases.
        graph: The origin of its Microsoft Graph.
        portal: The origin of its admin center.
    """

    name: str
    authority_hosts: tuple[str, ...]
    graph: str
    portal: str


# Source: "National clouds" and "Microsoft Graph national cloud deployments" on learn.microsoft.com.
CLOUDS = (
    Cloud(
        "public",
        (
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ),
        "https://graph.microsoft.com",
        "https://entra.microsoft.com",
    ),
    Cloud(
        "usgov",
        ("login.microsoftonline.us", "login.usgovcloudapi.net"),
        "https://graph.microsoft.us",
        "https://entra.microsoft.us",
    ),
    # The same token service as `usgov`: GCC High (L4) and DoD (L5) differ in their Graph alone.
    Cloud(
        "usgovdod",
        ("login.microsoftonline.us", "login.usgovcloudapi.net"),
        "https://dod-graph.microsoft.us",
        "https://entra.microsoft.us",
    ),
    Cloud(
        "china",
        # The first in the documentation of Entra ID, the second in that of Graph.
        ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
        "https://microsoftgraph.chinacloudapi.cn",
        "https://entra.microsoftonline.cn",
    ),
)


def find_cloud(authority: str) -> Cloud | None:
    """
    Return the cloud whose token service `authority` (an https address) is; None if it is none.

    The two clouds of the US government have the same token service: `usgov` is returned for both.
    """
    host = urlsplit(authority).hostname
    return next((cloud for cloud in CLOUDS if host in cloud.authority_hosts), None)


def is_for_graph(resource: object) -> bool:
    """
    Whether `resource` is Microsoft Graph, in any cloud.

    A resource is what stands before `/.default` in a scope, and in a token's `aud`. There it is
    spelt as in the request, with a slash behind or without, or is the application ID ("Access token
    claims reference").
    """
    bare = str(resource).rstrip("/").lower()
    return bare == GRAPH_APP_ID or bare in {cloud.graph for cloud in CLOUDS}
