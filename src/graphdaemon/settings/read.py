"""
Reads settings: parameters.json (or TOML) and the environment in, one checked value out.

The keys are those of Microsoft's Python daemon sample, so its parameters.json works unchanged.
Flag beats environment beats file beats default; every error names the setting and its source.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from graphdaemon.cloud import CLOUDS, Cloud, find_cloud
from graphdaemon.errors import SettingsError
from graphdaemon.settings.authority import cut_authority, cut_issuer
from graphdaemon.settings.checks import (
    check_choice,
    check_duration,
    check_https,
    check_id,
    check_path,
    check_scope,
    check_secret,
    check_text,
    invalid_setting,
    split_address,
)
from graphdaemon.settings.credentials import check_credentials
from graphdaemon.settings.model import CACHE_BACKENDS, CacheSettings, Settings, SyncSettings
from graphdaemon.settings.setting import Layer, Secret
from graphdaemon.settings.sources import ENVIRONMENT, list_files, merge_chosen, merge_sources
from graphdaemon.settings.text import quote

ANY_TENANT = "organizations"
"""Stands in an authority for the tenant of whoever signs in."""

# The settings that say where a tenant is, and nothing of an app in it.
_TENANT_SETTINGS = frozenset(
    "authority tenant cloud authority_host endpoint ca_file timeout".split()
)


def read_settings(
    file: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    *,
    file_first: bool = False,
) -> Settings:
    """
    Find, read, merge and check the settings.

    Args:
        file: The settings file; by default `$GRAPHDAEMON_CONFIG`, then `./parameters.json`.
        environment: The variables to honour, by default those of the process.
        overrides: Settings by name that beat environment and file.
        file_first: What the file says beats the environment, as it must where one of many files is
            read: a variable is the same for all of them.

    Raises:
        SettingsError: Naming the setting, its value unless secret, and where it was read.
    """
    environment = os.environ if environment is None else environment
    merged, where = merge_sources(file, environment, overrides or {}, file_first=file_first)
    # First, since it stands first in the file: of several errors people mend that one first.
    authority, oidc_authority = check_authority(merged, where)
    settings = _check(merged, where, authority, oidc_authority)
    if where == ENVIRONMENT:
        return settings
    return replace(settings, files=(("the settings file", Path(where)), *settings.files))


def read_sign_in_settings(
    client_id: str,
    file: Mapping[str, Any],
    environment: Mapping[str, str],
    overrides: Mapping[str, object],
) -> Settings:
    """
    Read where a tenant is, for a public client that people sign in to: it has no credential.

    Without a tenant it is the one of whoever signs in. `file` holds the settings of an earlier
    registration, or nothing; in `overrides`, which beat both, None counts as not given.

    Raises:
        SettingsError: Naming the setting, its value, and where it was read.
    """
    merged = merge_chosen(_TENANT_SETTINGS, file, environment, overrides)
    if "authority" in merged or "tenant" in merged:
        authority, _ = check_authority(merged, "the settings")
    else:
        authority = f"{check_host(merged)}/{ANY_TENANT}"
    return _check(merged, "the settings", authority, None, client_id)


def _check(
    merged: Layer,
    where: str,
    authority: str | None,
    oidc_authority: str | None,
    public_client: str | None = None,
) -> Settings:
    """Return the settings of an app, which has a credential, or of a public client."""
    cloud = _check_cloud(merged, authority or oidc_authority)
    client_id = public_client or check_id(merged, "client_id")
    credentials = () if public_client else check_credentials(merged, where)
    # A managed identity needs none, even if the environment names the tenant: the machine knows
    # which app it stands for.
    kinds = {credential.kind for credential in credentials}
    if client_id is None and kinds != {"managed_identity"}:
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
        scope=check_scope(merged) or (f"{cloud.graph}/.default",),
        credentials=credentials,
        cache=_check_cache(merged, where),
        endpoint=check_https(merged, "endpoint") or f"{cloud.graph}/v1.0/users",
        ca_file=check_path(merged, "ca_file"),
        timeout=check_timeout(merged),
        budget_file=check_path(merged, "budget_file"),
        budget_url=_check_budget_url(merged),
        sync=_check_sync(merged),
        sources={name: source for name, (_, source) in merged.items()},
        files=tuple(list_files(merged)),
    )


def check_authority(merged: Layer, where: str) -> tuple[str | None, str | None]:
    """Return `https://host/{tenant}` and the issuer's own address, of which one is None."""
    authority = _check_address(merged)
    oidc_authority = check_https(merged, "oidc_authority")
    if oidc_authority is not None:
        oidc_authority = cut_issuer(oidc_authority)
    tenant = check_id(merged, "tenant")
    names = [name for name in ("authority", "oidc_authority", "tenant") if name in merged]
    if not names and "managed_identity" in merged:
        return None, None
    if len(names) != 1:
        raise SettingsError(
            f"{where} has neither of authority and oidc_authority"
            if not names
            else f"{where} has both of {' and '.join(names[:2])}",
            code="authority_ambiguous",
            hint="Give authority (Entra ID, External ID) or oidc_authority (External ID with its "
            "own domain) or tenant, and set the others to null.",
        )
    if tenant is not None:
        authority = f"{check_host(merged)}/{tenant}"
    address, name = authority or oidc_authority or "", names[0]
    tenant = urlsplit(address).path.strip("/").split("/")[0]
    # At ciamlogin.com (External ID) the host names the tenant.
    if not tenant and not (urlsplit(address).hostname or "").endswith(".ciamlogin.com"):
        raise invalid_setting(
            merged, name, "names no tenant", f"Write https://{urlsplit(address).netloc}/{{tenant}}."
        )
    # The service has answered such a request of an app with AADSTS50059, with 900023, and even with
    # a token of another tenant (azure-docs#24064, #100978, #6485).
    if tenant.lower() in ("common", "organizations", "consumers"):
        raise invalid_setting(
            merged,
            name,
            f"names {tenant} instead of a tenant",
            "An app with no user belongs to one tenant: put its ID or domain there.",
        )
    return authority, oidc_authority


def _check_address(merged: Layer) -> str | None:
    """The authority, without what was pasted along behind the tenant."""
    written = check_https(merged, "authority")
    if written is None:
        return None
    authority = cut_authority(written)
    if authority is None:
        parts = urlsplit(written)
        tenant = parts.path.strip("/").partition("/")[0]
        raise invalid_setting(
            merged,
            "authority",
            f"holds more than host and tenant: {quote(parts.path)}"
            f"{' and what follows' if parts.query or parts.fragment else ''}",
            f"Write {quote(f'https://{parts.netloc}/{tenant}')}.",
        )
    return authority


def check_host(merged: Layer) -> str:
    """The address that the tenant is appended to."""
    host = check_text(merged, "authority_host")
    if host is None:
        return f"https://{_read_cloud_name(merged).authority_hosts[0]}"
    # azure-identity takes a bare host too, and adds the scheme.
    source = merged["authority_host"][1]
    whole = host if "://" in host else f"https://{host}"
    return (check_https({"authority_host": (whole, source)}, "authority_host") or "").rstrip("/")


def _read_cloud_name(merged: Layer) -> Cloud:
    name = check_choice(merged, "cloud", tuple(cloud.name for cloud in CLOUDS))
    return next((cloud for cloud in CLOUDS if cloud.name == name), CLOUDS[0])


def _check_cloud(merged: Layer, authority: str | None) -> Cloud:
    own = find_cloud(authority or "")
    if "cloud" not in merged:
        return own or CLOUDS[0]
    named = _read_cloud_name(merged)
    # Two clouds of the US government share one token service.
    if own is not None and own.authority_hosts != named.authority_hosts:
        raise invalid_setting(
            merged,
            "cloud",
            f"is {named.name}, and the authority belongs to {own.name}",
            f"Write {own.name}, or an authority at {named.authority_hosts[0]}.",
        )
    return named


def _check_region(merged: Layer) -> str | None:
    region = check_text(merged, "region")
    # MSAL makes it part of the host name that the credential is sent to.
    if region is not None and not re.fullmatch(r"[a-z][a-z0-9]{1,60}", region):
        raise invalid_setting(
            merged,
            "region",
            f"is not the name of an Azure region: {quote(region)}",
            "Write westeurope.",
        )
    return region


def _check_cache(merged: Layer, where: str) -> CacheSettings:
    backend = check_choice(merged, "token_cache", CACHE_BACKENDS) or "memory"
    url = _check_redis_url(merged, "token_cache_url")
    if backend == "redis" and url is None:
        raise SettingsError(
            f"{where} has token_cache redis and no token_cache_url",
            code="setting_missing",
            hint="Set token_cache_url to rediss://USER:PASSWORD@HOST:6380/0, best by its variable "
            "GRAPHDAEMON_TOKEN_CACHE_URL.",
        )
    return CacheSettings(
        backend,
        check_path(merged, "token_cache_folder"),
        url,
        check_secret(merged, "token_cache_key"),
        check_path(merged, "token_cache_key_file"),
    )


def _check_sync(merged: Layer) -> SyncSettings:
    if "feed_secret" in merged and "feed_secret_file" in merged:
        raise invalid_setting(
            merged,
            "feed_secret",
            "is given in addition to feed_secret_file",
            "Leave one of them out.",
        )
    usual = SyncSettings()
    return SyncSettings(
        check_secret(merged, "store"),
        check_duration(merged, "retention", usual.retention),
        check_duration(merged, "reconcile_every", usual.reconcile_every),
        check_secret(merged, "feed_secret"),
        check_path(merged, "feed_secret_file"),
    )


def _check_redis_url(merged: Layer, name: str) -> Secret | None:
    url = check_secret(merged, name)
    parts = split_address(url.reveal()) if url is not None else None
    if url is not None and (parts is None or parts.scheme not in ("redis", "rediss")):
        raise invalid_setting(merged, name, "is not a Redis address", "Begin it with rediss://.")
    return url


def _check_budget_url(merged: Layer) -> Secret | None:
    if "budget_file" in merged and "budget_url" in merged:
        raise invalid_setting(
            merged, "budget_url", "is given in addition to budget_file", "Leave one of them out."
        )
    return _check_redis_url(merged, "budget_url")


def check_timeout(merged: Layer) -> float:
    """Return how many seconds a host is waited for."""
    value, _ = merged.get("timeout", (60, ""))
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0
    # `float` takes True for 1.
    if not 0 < seconds <= 3600 or isinstance(value, bool):
        raise invalid_setting(
            merged, "timeout", "is not a number of seconds from 1 to 3600", "Write 60."
        )
    return seconds
