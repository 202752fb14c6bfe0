"""The checked settings, as every other package sees them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from graphdaemon.cloud import is_for_graph
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.setting import Secret

_VERSION = r"v\d+(\.\d+)?|beta"

CACHE_BACKENDS = ("memory", "file", "redis")


class CacheSettings(NamedTuple):
    """
    Where tokens are kept: `backend` is `memory`, `file` or `redis`.

    `folder` is that of the file cache, by default the user's own, and `url` that of the Redis
    server. `key`, or what `key_file` holds, encrypts a cache that is shared.
    """

    backend: str = "memory"
    folder: Path | None = None
    url: Secret | None = None
    key: Secret | None = None
    key_file: Path | None = None


class SyncSettings(NamedTuple):
    """
    What is kept in step, and for how long it is remembered.

    Attributes:
        store: The URL of the database, which may hold a password; None for the default.
        retention: Seconds that versions which ended are remembered; None for ever.
        reconcile_every: Seconds after which everything is compared; None never.
        feed_secret: What a webhook is signed with.
        feed_secret_file: The file that holds it.
    """

    store: Secret | None = None
    retention: float | None = None
    reconcile_every: float | None = 604_800.0
    feed_secret: Secret | None = None
    feed_secret_file: Path | None = None


_SYNC = SyncSettings()


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Everything a run needs to know, checked.

    Attributes:
        authority: `https://host/{tenant}`, or None where `oidc_authority` is given, or where
            a managed identity needs neither.
        oidc_authority: The issuer's address, or None.
        region: `auto` or an Azure region whose token service is asked, or None.
        client_id: Application (client) ID; empty for a machine's own managed identity.
        scope: One value, `{App ID URI}/.default`.
        credentials: What proves the app's identity, in the order of use.
        cache: Where tokens are kept.
        endpoint: The address the quickstart calls.
        ca_file: Further certificate authorities, or None.
        timeout: Seconds.
        budget_file: Where processes on this host share a throttle budget, or None.
        budget_url: The Redis server by which processes on many hosts do, or None.
        sync: What is kept in step.
        sources: Where each given setting was read: a file's name or a variable's.
        files: Every file that is named, by the setting or by what names it, the settings file too.
    """

    authority: str | None
    oidc_authority: str | None
    region: str | None
    client_id: str
    scope: tuple[str, ...]
    credentials: tuple[CredentialSettings, ...]
    cache: CacheSettings
    endpoint: str
    ca_file: Path | None
    timeout: float
    budget_file: Path | None = None
    budget_url: Secret | None = None
    sync: SyncSettings = _SYNC
    # The same values are the same settings, wherever they were read.
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)
    files: tuple[tuple[str, Path], ...] = field(default=(), compare=False)

    @property
    def graph_root(self) -> str:
        """Origin and version of Graph, such as `https://graph.microsoft.com/v1.0`."""
        parts = urlsplit(self.endpoint)
        version = parts.path.split("/")[1] if parts.path.count("/") else ""
        return f"{parts.scheme}://{parts.netloc}/{version or 'v1.0'}"

    @property
    def is_graph(self) -> bool:
        """
        Whether scope and endpoint are Microsoft Graph's, and not those of an API of one's own.

        Every path of Graph begins with a version, behind a gateway too. So an endpoint without one
        is another API's, whatever its scope: that one refuses Graph's token, and says why.
        """
        if not is_for_graph(self.scope[0].removesuffix("/.default")):
            return False
        parts = urlsplit(self.endpoint)
        first = parts.path.lstrip("/").partition("/")[0]
        at_graph = is_for_graph(f"https://{parts.netloc}")
        return at_graph or not first or re.fullmatch(_VERSION, first) is not None

    @property
    def api_root(self) -> str:
        """
        The address that paths are below: `graph_root`, or that of an API of one's own.

        There `endpoint` names a collection, as it does of Graph: what stands before its last part
        is the root. An `endpoint` that ends in a slash, or in a version, is the root itself.
        """
        if self.is_graph:
            return self.graph_root
        parts = urlsplit(self.endpoint)
        folder, _, last = parts.path.rpartition("/")
        if re.fullmatch(_VERSION, last):
            folder = parts.path
        return f"{parts.scheme}://{parts.netloc}{folder}"

    @property
    def consent_url(self) -> str | None:
        """Where an administrator grants what this app asks for; None if that is not known."""
        if self.authority is None or not self.client_id:
            return None
        return f"{self.authority.rstrip('/')}/adminconsent?client_id={self.client_id}"

    def source(self, name: str) -> str:
        """Where `name` was read, for messages."""
        return self.sources.get(name, "the default")
