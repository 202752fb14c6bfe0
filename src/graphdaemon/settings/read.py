"""
Settings: parameters.json (or TOML) and the environment in, one frozen value out.

The keys are those of Microsoft's Python daemon sample, so its parameters.json works unchanged.
Flag beats environment beats file beats default; every error names the setting and its source.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from graphdaemon.cloud import CLOUDS, Cloud, find_cloud
from graphdaemon.errors import SettingsError
from graphdaemon.settings import checks
from graphdaemon.settings.credentials import CredentialSettings, check_credentials
from graphdaemon.settings.sources import Layer, gather, gather_some
from graphdaemon.settings.table import Secret

CACHES = ("memory", "file", "redis")

ANYBODYS = "organizations"
"""Stands for the tenant of whoever signs in."""

PLACE = frozenset("authority tenant cloud authority_host endpoint ca_file timeout".split())
"""The settings that say where a tenant is, and nothing of an app in it."""


class CacheSettings(NamedTuple):
    """
    Where tokens are kept.

    Attributes:
        place: `memory`, `file` or `redis`.
        folder: Of the file cache, or None for the user's own.
        url: Of the Redis server, or None.
        key: What a shared cache is encrypted with, or None.
        key_file: The file that holds it, or None.
    """

    place: str = "memory"
    folder: Path | None = None
    url: Secret | None = None
    key: Secret | None = None
    key_file: Path | None = None


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
        sources: Where each given setting was read: a file's name or a variable's.
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
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def graph_root(self) -> str:
        """Origin and version of Graph, such as `https://graph.microsoft.com/v1.0`."""
        parts = urlsplit(self.endpoint)
        version = parts.path.split("/")[1] if parts.path.count("/") else ""
        return f"{parts.scheme}://{parts.netloc}/{version or 'v1.0'}"

    @property
    def consent_url(self) -> str | None:
        """Where an administrator grants this app what it asks for; None for a custom issuer."""
        if self.authority is None:
            return None
        return f"{self.authority.rstrip('/')}/adminconsent?client_id={self.client_id}"

    def source(self, name: str) -> str:
        """Where `name` was read, for messages."""
        return self.sources.get(name, "the default")


def read_settings(
    file: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
    given: Mapping[str, object] | None = None,
) -> Settings:
    """
    Find, read, merge and check the settings.

    Args:
        file: The settings file; by default `$GRAPHDAEMON_CONFIG`, then `./parameters.json`.
        environment: The variables to honour, by default those of the process.
        given: Settings by name that beat environment and file.

    Raises:
        SettingsError: Naming the setting, its value unless secret, and where it was read.
    """
    environment = os.environ if environment is None else environment
    merged, where = gather(file, environment, given or {})
    return _check(merged, where)


def read_place(
    client_id: str,
    file: Mapping[str, Any],
    environment: Mapping[str, str],
    given: Mapping[str, object],
) -> Settings:
    """
    Where a tenant is, for a client that people sign in to: it proves nothing of its own.

    Without a tenant it is the one of whoever signs in.

    Args:
        client_id: Of the public client.
        file: Settings of an earlier registration, or none.
        environment: The variables to honour.
        given: Settings by name that beat both.

    Raises:
        SettingsError: Naming the setting, its value, and where it was read.
    """
    merged = gather_some(PLACE, file, environment, given)
    if "authority" in merged or "tenant" in merged:
        authority, _ = _check_authority(merged, "the settings")
    else:
        authority = f"{_check_host(merged)}/{ANYBODYS}"
    cloud = _check_cloud(merged, authority)
    return Settings(
        authority=authority,
        oidc_authority=None,
        region=None,
        client_id=client_id,
        scope=(f"{cloud.graph}/.default",),
        credentials=(),
        cache=CacheSettings(),
        endpoint=checks.https(merged, "endpoint") or f"{cloud.graph}/v1.0/users",
        ca_file=checks.path(merged, "ca_file"),
        timeout=_check_timeout(merged),
        sources={name: source for name, (_, source) in merged.items()},
    )


def _check(merged: Layer, where: str) -> Settings:
    # The authority's trouble is told first: it stands first in the file.
    authority, oidc_authority = _check_authority(merged, where)
    cloud = _check_cloud(merged, authority or oidc_authority)
    client_id = checks.text(merged, "client_id")
    if client_id is None and (authority or oidc_authority):
        raise SettingsError(
            f"{where} has no client_id",
            code="setting_missing",
            hint="Copy Application (client) ID from the app's Overview page.",
        )
    return Settings(
        authority=authority,
        oidc_authority=oidc_authority,
        region=_check_region(merged),
        client_id=client_id or "",
        scope=checks.words(merged, "scope", '["https://graph.microsoft.com/.default"]')
        or (f"{cloud.graph}/.default",),
        credentials=check_credentials(merged, where),
        cache=_check_cache(merged, where),
        endpoint=checks.https(merged, "endpoint") or f"{cloud.graph}/v1.0/users",
        ca_file=checks.path(merged, "ca_file"),
        timeout=_check_timeout(merged),
        budget_file=checks.path(merged, "budget_file"),
        budget_url=_check_budget_url(merged),
        sources={name: source for name, (_, source) in merged.items()},
    )


def _check_authority(merged: Layer, where: str) -> tuple[str | None, str | None]:
    authority = checks.https(merged, "authority")
    oidc_authority = checks.https(merged, "oidc_authority")
    tenant = checks.text(merged, "tenant")
    given = [name for name in ("authority", "oidc_authority", "tenant") if name in merged]
    if not given and "managed_identity" in merged:
        return None, None
    if len(given) != 1:
        raise SettingsError(
            f"{where} has neither of authority and oidc_authority"
            if not given
            else f"{where} has both of {' and '.join(given[:2])}",
            code="authority_ambiguous",
            hint="Give authority (Entra ID, External ID) or oidc_authority (External ID with its "
            "own domain) or tenant, and set the others to null.",
        )
    if tenant is not None:
        authority = f"{_check_host(merged)}/{tenant}"
    address, name = authority or oidc_authority or "", given[0]
    tenant = urlsplit(address).path.strip("/").split("/")[0]
    if not tenant and not (urlsplit(address).hostname or "").endswith(".ciamlogin.com"):
        raise checks.invalid(
            merged, name, "names no tenant", f"Write https://{urlsplit(address).netloc}/{{tenant}}."
        )
    if tenant.lower() in ("common", "organizations", "consumers"):
        raise checks.invalid(
            merged,
            name,
            f"names {tenant} instead of a tenant",
            "An app with no user belongs to one tenant: put its ID or domain there.",
        )
    return authority, oidc_authority


def _check_host(merged: Layer) -> str:
    """The address that the tenant is appended to."""
    host = checks.text(merged, "authority_host")
    if host is None:
        return f"https://{_named_cloud(merged).authority_hosts[0]}"
    # azure-identity takes a bare host too, and adds the scheme.
    source = merged["authority_host"][1]
    whole = host if "://" in host else f"https://{host}"
    return (checks.https({"authority_host": (whole, source)}, "authority_host") or "").rstrip("/")


def _named_cloud(merged: Layer) -> Cloud:
    name = checks.choice(merged, "cloud", tuple(cloud.name for cloud in CLOUDS))
    return next((cloud for cloud in CLOUDS if cloud.name == name), CLOUDS[0])


def _check_cloud(merged: Layer, authority: str | None) -> Cloud:
    found = find_cloud(authority or "")
    if "cloud" not in merged:
        return found or CLOUDS[0]
    named = _named_cloud(merged)
    # Two clouds of the US government share one token service.
    if found is not None and found.authority_hosts != named.authority_hosts:
        raise checks.invalid(
            merged,
            "cloud",
            f"is {named.name}, and the authority belongs to {found.name}",
            f"Write {found.name}, or an authority at {named.authority_hosts[0]}.",
        )
    return named


def _check_region(merged: Layer) -> str | None:
    region = checks.text(merged, "region")
    if region is not None and not re.fullmatch(r"[a-z][a-z0-9]{1,60}", region):
        raise checks.invalid(
            merged, "region", f"is not the name of an Azure region: {region}", "Write westeurope."
        )
    return region


def _check_cache(merged: Layer, where: str) -> CacheSettings:
    place = checks.choice(merged, "token_cache", CACHES) or "memory"
    url = _check_redis(merged, "token_cache_url")
    if place == "redis" and url is None:
        raise SettingsError(
            f"{where} has token_cache redis and no token_cache_url",
            code="setting_missing",
            hint="Set token_cache_url to rediss://user:password@host:6380/0, best by its variable "
            "GRAPHDAEMON_TOKEN_CACHE_URL.",
        )
    return CacheSettings(
        place,
        checks.path(merged, "token_cache_folder"),
        url,
        checks.secret(merged, "token_cache_key"),
        checks.path(merged, "token_cache_key_file"),
    )


def _check_redis(merged: Layer, name: str) -> Secret | None:
    url = checks.secret(merged, name)
    if url is not None and urlsplit(url.reveal()).scheme not in ("redis", "rediss"):
        raise checks.invalid(merged, name, "is not a Redis address", "Begin it with rediss://.")
    return url


def _check_budget_url(merged: Layer) -> Secret | None:
    if "budget_file" in merged and "budget_url" in merged:
        raise checks.invalid(
            merged, "budget_url", "is given besides budget_file", "Leave one of them out."
        )
    return _check_redis(merged, "budget_url")


def _check_timeout(merged: Layer) -> float:
    value, _ = merged.get("timeout", (60, ""))
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0
    if not 0 < seconds <= 3600 or isinstance(value, bool):
        raise checks.invalid(
            merged, "timeout", "is not a number of seconds from 1 to 3600", "Write 60."
        )
    return seconds
