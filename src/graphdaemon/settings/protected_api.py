"""The settings of your own protected API: which tokens it accepts, and from which callers."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from graphdaemon.cloud import is_for_graph
from graphdaemon.errors import SettingsError
from graphdaemon.settings.checks import (
    check_id,
    check_path,
    check_words,
    invalid_setting,
)
from graphdaemon.settings.read import check_authority, check_host, check_timeout
from graphdaemon.settings.setting import Layer
from graphdaemon.settings.sources import merge_sources
from graphdaemon.settings.text import name_flaw, quote

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What Azure puts into a machine's environment beyond these names the machine's own identity, which
# is not the API's: its client ID must not become an audience.
_AZURE_VARIABLES = frozenset({"AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST"})


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """
    The checked settings of a protected API.

    Attributes:
        origin: The token service: `https://host`.
        oidc_authority: The issuer's own address, if it has one; otherwise None.
        tenants: The tenants whose tokens are accepted: IDs in lower case, or domains.
        audiences: The accepted values of `aud`: App ID URIs and client IDs.
        roles: App roles. A caller needs one of them, unless a route says otherwise.
        clients: The client IDs of the apps that may call. Empty means that any app may.
        ca_file: Further certificate authorities, or None.
        timeout: Seconds.
        sources: Where each setting was read: the name of a file or of a variable.
    """

    origin: str
    oidc_authority: str | None
    tenants: tuple[str, ...]
    audiences: tuple[str, ...]
    roles: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    ca_file: Path | None = None
    timeout: float = 60.0
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)


def is_guid(text: str) -> bool:
    """Whether `text` is a GUID in lower case, the form in which tenant IDs are compared."""
    return _GUID.fullmatch(text) is not None


def read_api_settings(
    file: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> ApiSettings:
    """
    Find, read and check the settings of a protected API, as `read_settings` does for a client.

    `client_id` is that of the API. Of Azure's variables, only the tenant and the authority host are
    read, since the others describe the identity of the machine.

    Raises:
        SettingsError: A setting is missing or wrong. The message names it, where it was read, and
            its value unless that is secret.
    """
    given = os.environ if environment is None else environment
    chosen = {
        name: value
        for name, value in given.items()
        if not name.startswith("AZURE_") or name in _AZURE_VARIABLES
    }
    merged, where = merge_sources(file, chosen, overrides or {})
    origin, oidc_authority, tenant = _read_token_service(merged, where)
    return ApiSettings(
        origin=origin,
        oidc_authority=oidc_authority,
        tenants=_read_tenants(merged, where, tenant),
        audiences=_read_audiences(merged, where),
        roles=_read_list(merged, "roles", '["Orders.Read.All"]'),
        clients=_read_clients(merged),
        ca_file=check_path(merged, "ca_file"),
        timeout=check_timeout(merged),
        sources={name: source for name, (_, source) in merged.items()},
    )


def _read_token_service(merged: Layer, where: str) -> tuple[str, str | None, str]:
    """Return the token service's origin, the issuer's own address, and the tenant they name."""
    named = [name for name in ("authority", "oidc_authority", "tenant") if name in merged]
    if not named and "tenants" in merged:
        return check_host(merged), None, ""
    # That the app itself may be the machine's does not say whose tokens it takes.
    others = {name: entry for name, entry in merged.items() if name != "managed_identity"}
    authority, oidc_authority = check_authority(others, where)
    parts = urlsplit(authority or oidc_authority or "")
    tenant = parts.path.strip("/").partition("/")[0].lower()
    # At ciamlogin.com (External ID) the host names the tenant, which is a domain of it.
    if not tenant and authority is not None:
        tenant = f"{(parts.hostname or '').partition('.')[0]}.onmicrosoft.com"
    if oidc_authority is not None and not is_guid(tenant):
        tenant = ""
    return f"https://{parts.netloc}", oidc_authority, tenant


def _read_tenants(merged: Layer, where: str, tenant: str) -> tuple[str, ...]:
    listed = _read_list(merged, "tenants", '["{tenant ID}"]')
    for name in listed:
        # Domains are looked up, which an issuer with an address of its own has no place for.
        is_named = is_guid(name.lower()) or ("." in name and "oidc_authority" not in merged)
        if not is_named or not _TENANT.fullmatch(name):
            raise invalid_setting(
                merged,
                "tenants",
                f"names {quote(name)}, which is not a tenant",
                "List the IDs of the tenants whose apps may call.",
            )
    tenants = listed or ((tenant,) if tenant else ())
    if not tenants:
        raise SettingsError(
            f"{where} does not say which tenants' tokens are accepted",
            code="setting_missing",
            hint="Set tenants to the IDs of the tenants whose apps may call.",
        )
    return tuple(name.lower() for name in tenants)


def _read_audiences(merged: Layer, where: str) -> tuple[str, ...]:
    client_id = check_id(merged, "client_id")
    listed = _read_list(merged, "audience", '["api://{client ID}"]')
    # Of an API that has no App ID URI of another form, this is the one that the portal proposes.
    own = (client_id, f"api://{client_id}") if client_id else ()
    for name in listed:
        _check_audience(merged, name)
    audiences = tuple(dict.fromkeys((*own, *listed)))
    if not audiences:
        raise SettingsError(
            f"{where} has neither client_id nor audience, so no token could be meant for this API",
            code="setting_missing",
            hint="Copy Application (client) ID from the Overview page of the API's registration.",
        )
    return audiences


def _check_audience(merged: Layer, name: str) -> None:
    if is_for_graph(name):
        raise invalid_setting(
            merged,
            "audience",
            f"names {quote(name)}, which is Microsoft Graph: any app's token for Graph would be "
            "accepted here",
            "Write the App ID URI of this API. Callers then request tokens for {App ID "
            "URI}/.default.",
        )
    if name.lower().endswith("/.default"):
        raise invalid_setting(
            merged,
            "audience",
            f"names {quote(name)}, which is a scope; a token never contains it as its audience",
            f"Leave out /.default: {quote(name[: -len('/.default')])}.",
        )


def _read_clients(merged: Layer) -> tuple[str, ...]:
    clients = _read_list(merged, "clients", '["{client ID}"]')
    for name in clients:
        if not is_guid(name.lower()):
            raise invalid_setting(
                merged,
                "clients",
                f"names {quote(name)}, which is not a client ID",
                "Copy Application (client) ID from the Overview page of the calling app.",
            )
    return clients


def _read_list(merged: Layer, name: str, example: str) -> tuple[str, ...]:
    words = check_words(merged, name, example) or ()
    for word in words:
        flaw = name_flaw(word, blanks=False) if word else "holds an empty text"
        if flaw is not None:
            raise invalid_setting(merged, name, flaw, f"Write {example}.")
    return words
