"""
graphdaemon: the directory of a Microsoft Entra ID tenant, read by an app with no user signed in.

`load` reads the settings, a `Client` lists, gets and follows changes, `blocking` lets scripts
without async use it. Everything that can fail raises an `Error`.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"


if TYPE_CHECKING:
    from graphdaemon.client.changes import RecordChange, Round
    from graphdaemon.client.client import Client, load
    from graphdaemon.client.synchronous import blocking
    from graphdaemon.errors import Error, GraphError, IdentityError, NetworkError, SettingsError
    from graphdaemon.graph.links import DeltaLink
    from graphdaemon.graph.page import Page
    from graphdaemon.output.explode import explode
    from graphdaemon.settings.model import Settings

__all__ = [
    "Client",
    "DeltaLink",
    "Error",
    "GraphError",
    "IdentityError",
    "NetworkError",
    "Page",
    "RecordChange",
    "Round",
    "Settings",
    "SettingsError",
    "blocking",
    "explode",
    "load",
]

_HOMES = {
    "Client": "client.client",
    "blocking": "client.synchronous",
    "explode": "output.explode",
    "load": "client.client",
    "DeltaLink": "graph.links",
    "Page": "graph.page",
    "RecordChange": "client.changes",
    "Round": "client.changes",
    "Settings": "settings.read",
}


def __getattr__(name: str) -> object:
    # Names load their module when first used: the command line's --help needs none of them.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
