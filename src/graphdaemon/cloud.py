"""The national clouds as data: who issues tokens there, and where Graph is."""

from typing import NamedTuple
from urllib.parse import urlsplit


class Cloud(NamedTuple):
    """One cloud. `authority_hosts` holds the documented host first, its aliases after it."""

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
    Cloud(
        "usgovdod",
        ("login.microsoftonline.us", "login.usgovcloudapi.net"),
        "https://dod-graph.microsoft.us",
        "https://entra.microsoft.us",
    ),
    Cloud(
        "china",
        ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
        "https://microsoftgraph.chinacloudapi.cn",
        "https://entra.microsoftonline.cn",
    ),
)


def find_cloud(authority: str) -> Cloud | None:
    """
    The cloud whose token service `authority` (an https address) is, or None.

    For the US government it is `usgov`, since the hosts do not say which of the two is meant.
    """
    host = urlsplit(authority).hostname
    return next((cloud for cloud in CLOUDS if host in cloud.authority_hosts), None)
