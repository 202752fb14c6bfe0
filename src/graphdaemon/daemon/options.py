"""How a daemon works, and how it is."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from graphdaemon.daemon.clock import Clock
from graphdaemon.graph.graph import ATTEMPTS
from graphdaemon.settings.tenants import TenantFile
from graphdaemon.store.leases import LeaseError
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.session import Selected

if TYPE_CHECKING:
    from graphdaemon.daemon.run import Daemon


class TenantFiles(NamedTuple):
    """
    Where the settings of the tenants come from.

    Attributes:
        read: Reads all of them; raises `SettingsError` if there are none to be had.
        read_again: Reads those of one tenant.
    """

    read: Callable[[], list[TenantFile]]
    read_again: Callable[[TenantFile], TenantFile]


class DaemonOptions(NamedTuple):
    """
    How a daemon works.

    Attributes:
        store: The URL of the store.
        every: Seconds from one sync of a collection to the next.
        files: The settings of the tenants.
        selections: The collections, and what to keep of each.
        named: Somebody named them: what the app may not read is a failure, and not left out.
        sync: How a sync is made.
        share: Part of Graph's throttle budget to use.
        attempts: How often a request is sent before its failure is noted.
        slots: How many tenants are worked at at a time.
        patience: Seconds for which a tenant may be silent before it is given up for this time.
        clock: The time.
        beside: What runs beside the loop, such as a server: entered before it, left after it.
    """

    store: str
    every: float
    files: TenantFiles
    selections: tuple[Selected, ...]
    named: bool = False
    sync: SyncOptions = SyncOptions()
    share: float = 1.0
    attempts: int = ATTEMPTS
    slots: int = 8
    patience: float = 120.0
    clock: Clock = Clock()
    beside: Sequence[Callable[["Daemon"], AbstractAsyncContextManager[object]]] = ()


@dataclass
class DaemonState:
    """
    How a daemon is: changed in its event loop alone.

    Attributes:
        store: The URL of the store, without a password.
        every: Seconds from one sync to the next.
        holder: What this process is called in the leases.
        started: When it began.
        turned: When the loop last turned, in the clock's steady seconds; it does at least every
            30 s, unless the store keeps it waiting.
        ready: The store is open, and the leases were read.
        standby: Another process has the store; this one waits for it.
        stopping: It was told to end.
        store_error: Why the store cannot be used just now; None if it can.
        files: The settings file of each tenant.
        running: The tenants that are worked at, each with the steady second since when.
    """

    store: str
    every: float
    holder: str
    started: str
    turned: float
    ready: bool = False
    standby: bool = False
    stopping: bool = False
    store_error: LeaseError | None = None
    files: list[TenantFile] = field(default_factory=list)
    running: dict[str, float] = field(default_factory=dict)
