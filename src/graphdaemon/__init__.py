"""
graphdaemon: the directory of a Microsoft Entra ID tenant, read by an app with no user signed in.

`load` reads the settings. With `async with` it gives a `Client`, which lists, gets and follows
changes; a plain `with` gives a `BlockingClient` for scripts and notebooks, which does the same.
Everything that can fail raises an `Error`.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"


if TYPE_CHECKING:
    from graphdaemon.client.blocking_client import BlockingClient as BlockingClient
    from graphdaemon.client.changes import RecordChange as RecordChange
    from graphdaemon.client.changes import Round as Round
    from graphdaemon.client.client import Client as Client
    from graphdaemon.client.divided import begin_listing as begin_listing
    from graphdaemon.client.divided import finish_listing as finish_listing
    from graphdaemon.client.divided import read_part as read_part
    from graphdaemon.client.load import load as load
    from graphdaemon.client.open_listing import OnLink as OnLink
    from graphdaemon.client.reports.credentials import CredentialRow as CredentialRow
    from graphdaemon.client.reports.options import ReportOptions as ReportOptions
    from graphdaemon.client.reports.permissions import PermissionRow as PermissionRow
    from graphdaemon.client.reports.report import Report as Report
    from graphdaemon.client.reports.source import Coverage as Coverage
    from graphdaemon.client.reports.stale import StaleRow as StaleRow
    from graphdaemon.errors import Error as Error
    from graphdaemon.errors import GraphError as GraphError
    from graphdaemon.errors import IdentityError as IdentityError
    from graphdaemon.errors import NetworkError as NetworkError
    from graphdaemon.errors import OutputError as OutputError
    from graphdaemon.errors import SettingsError as SettingsError
    from graphdaemon.errors import UnprovedError as UnprovedError
    from graphdaemon.errors import UsageError as UsageError
    from graphdaemon.graph.links import DeltaLink as DeltaLink
    from graphdaemon.graph.page import Page as Page
    from graphdaemon.graph.query import Query as Query
    from graphdaemon.listing.changes import Link as Link
    from graphdaemon.listing.changes import Removal as Removal
    from graphdaemon.listing.options import ListingOptions as ListingOptions
    from graphdaemon.listing.parts import ListingEnd as ListingEnd
    from graphdaemon.listing.parts import ListingPart as ListingPart
    from graphdaemon.listing.parts import ListingStart as ListingStart
    from graphdaemon.listing.parts import PartReading as PartReading
    from graphdaemon.listing.record import Corrections as Corrections
    from graphdaemon.listing.record import ListingRecord as ListingRecord
    from graphdaemon.listing.record import OnProgress as OnProgress
    from graphdaemon.listing.record import Progress as Progress
    from graphdaemon.listing.record import Replay as Replay
    from graphdaemon.listing.record import Verdict as Verdict
    from graphdaemon.output.explode import explode as explode
    from graphdaemon.settings.model import Settings as Settings

_HOMES = {
    name: module
    for module, names in {
        "client.blocking_client": "BlockingClient",
        "client.changes": "RecordChange Round",
        "client.client": "Client",
        "client.divided": "begin_listing finish_listing read_part",
        "client.load": "load",
        "client.open_listing": "OnLink",
        "client.reports.credentials": "CredentialRow",
        "client.reports.options": "ReportOptions",
        "client.reports.permissions": "PermissionRow",
        "client.reports.report": "Report",
        "client.reports.source": "Coverage",
        "client.reports.stale": "StaleRow",
        "errors": "Error GraphError IdentityError NetworkError OutputError SettingsError "
        "UnprovedError UsageError",
        "graph.links": "DeltaLink",
        "graph.page": "Page",
        "graph.query": "Query",
        "listing.changes": "Link Removal",
        "listing.options": "ListingOptions",
        "listing.parts": "ListingEnd ListingPart ListingStart PartReading",
        "listing.record": "Corrections ListingRecord OnProgress Progress Replay Verdict",
        "output.explode": "explode",
        "settings.model": "Settings",
    }.items()
    for name in names.split()
}

__all__ = sorted(_HOMES)  # noqa: PLE0605  one table says what is public, and where it is


def __getattr__(name: str) -> object:
    # Names load their module when first used: the command line's --help needs none of them.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
