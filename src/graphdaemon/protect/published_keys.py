"""The keys that a tenant publishes, read from its metadata, which is checked for whose it is."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from graphdaemon.cloud import find_cloud
from graphdaemon.http.transport import Transport
from graphdaemon.protect.signature import read_key
from graphdaemon.received.json import decode_object
from graphdaemon.received.text import quote
from graphdaemon.settings.checks import split_address
from graphdaemon.settings.protected_api import is_guid

_METADATA = "/.well-known/openid-configuration"
# Who issues tokens of version 1.0, in the worldwide cloud and those of the US government, and in
# China ("Access tokens", "National clouds").
_ISSUERS_1 = frozenset({"sts.windows.net", "sts.chinacloudapi.cn"})
_CUSTOMERS = ".ciamlogin.com"
"""External ID: one host for each tenant, named by the tenant's name or by its ID."""

_MOST_KEYS = 100
_LONGEST_NAME = 256


class MetadataRefusedError(Exception):
    """What the token service says of itself is not what it must say."""


class TokenService(NamedTuple):
    """
    Whose metadata is believed.

    Attributes:
        origin: `https://host`, without the tenant.
        oidc_authority: The issuer's address, where it is not an address of Entra ID's own form.
    """

    origin: str
    oidc_authority: str | None = None


class PublishedKeys(NamedTuple):
    """
    The keys of one tenant, for tokens of one version.

    Attributes:
        tenant: The tenant's ID, or empty where the issuer does not name it.
        issuer: What `iss` of its tokens is.
        keys: Public keys by their `kid`.
    """

    tenant: str
    issuer: str
    keys: Mapping[str, Any]


def fetch_keys(
    transport: Transport, service: TokenService, tenant: str, version: str
) -> PublishedKeys:
    """
    Fetch the metadata of a tenant and the keys that it names; two requests.

    Args:
        transport: Sends them.
        service: Whom to ask.
        tenant: A tenant's ID in small letters, or a domain of it.
        version: Of the tokens, `1.0` or `2.0`: each has metadata of its own ("Access tokens").

    Raises:
        NetworkError: No answer.
        MetadataRefusedError: An answer that is not the tenant's metadata.
    """
    metadata = _get(transport, _address(service, tenant, version))
    issuer, place = metadata.get("issuer"), metadata.get("jwks_uri")
    if not isinstance(issuer, str) or not isinstance(place, str):
        raise MetadataRefusedError("the metadata has no issuer, or no jwks_uri")
    owner = _check_issuer(service, tenant, version, issuer)
    _check_place(service, place)
    return PublishedKeys(owner, issuer, _read_keys(_get(transport, place), service, owner, issuer))


def _find_tenant_id(address: str) -> str | None:
    """Return the tenant's ID in the path of an address, in small letters; None if it has none."""
    parts = split_address(address)
    segment = parts.path.strip("/").partition("/")[0].lower() if parts is not None else ""
    return segment if is_guid(segment) else None


def _address(service: TokenService, tenant: str, version: str) -> str:
    if service.oidc_authority is not None:
        return f"{service.oidc_authority}{_METADATA}"
    return f"{service.origin}/{tenant}{'/v2.0' if version == '2.0' else ''}{_METADATA}"


def _get(transport: Transport, address: str) -> dict[str, Any]:
    response = transport.exchange("GET", address, {"Accept": "application/json"})
    # A redirect leads to somebody else.
    if response.status != 200:
        raise MetadataRefusedError(f"{quote(address)} answers {response.status}")
    document = decode_object(response.body)
    if document is None:
        raise MetadataRefusedError(f"{quote(address)} answers no JSON object")
    return document


def _check_issuer(service: TokenService, tenant: str, version: str, issuer: str) -> str:
    """Return the ID of the tenant that `issuer` names, which has to be the one asked for."""
    if service.oidc_authority is not None:
        if issuer.rstrip("/") != service.oidc_authority:
            raise _refuse_issuer(issuer)
        return _find_tenant_id(issuer) or ""
    owner = _find_tenant_id(issuer)
    is_other = is_guid(tenant) and owner != tenant
    if owner is None or is_other or not _is_issuer(service, version, owner, issuer):
        raise _refuse_issuer(issuer)
    return owner


def _is_issuer(service: TokenService, version: str, tenant: str, issuer: str) -> bool:
    """Whether `issuer` is the one of a tenant's tokens of a version, at this token service."""
    parts = split_address(issuer)
    if parts is None or parts.scheme != "https" or parts.query or parts.fragment:
        return False
    if version == "1.0":
        return parts.path.lower() == f"/{tenant}/" and (
            parts.netloc in _ISSUERS_1 or _is_host(service, parts)
        )
    return parts.path.lower() == f"/{tenant}/v2.0" and _is_host(service, parts)


def _is_host(service: TokenService, parts: SplitResult) -> bool:
    """Whether an address is at a host of the token service, by any of the service's names."""
    own = urlsplit(service.oidc_authority or service.origin)
    if parts.netloc == own.netloc:
        return True
    cloud = find_cloud(service.origin)
    if cloud is not None and own.port is None:
        return parts.netloc in cloud.authority_hosts
    return own.netloc.endswith(_CUSTOMERS) and parts.netloc.endswith(_CUSTOMERS)


def _refuse_issuer(issuer: str) -> MetadataRefusedError:
    return MetadataRefusedError(f"the metadata is of another issuer: {quote(issuer)}")


def _check_place(service: TokenService, place: str) -> None:
    parts = split_address(place)
    if parts is None or parts.scheme != "https" or not _is_host(service, parts):
        raise MetadataRefusedError(f"the keys are not the token service's own: {quote(place)}")


def _read_keys(
    document: Mapping[str, Any], service: TokenService, tenant: str, issuer: str
) -> dict[str, Any]:
    entries = document.get("keys")
    keys: dict[str, Any] = {}
    for entry in entries[:_MOST_KEYS] if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or not _is_key_of(entry, service, tenant, issuer):
            continue
        kid, key = entry.get("kid"), read_key(entry)
        if isinstance(kid, str) and 0 < len(kid) <= _LONGEST_NAME and key is not None:
            keys[kid] = key
    if not keys:
        raise MetadataRefusedError("the token service publishes no key that can be used")
    return keys


def _is_key_of(entry: dict[str, Any], service: TokenService, tenant: str, issuer: str) -> bool:
    """Whether a key may sign tokens of `issuer`: some keys are published for other issuers."""
    named = entry.get("issuer")
    if named is None:
        return True
    if not isinstance(named, str):
        return False
    whole = named.replace("{tenantid}", tenant)
    # The keys of version 1.0, too, name the issuer in the form of version 2.0, if they name any.
    return whole == issuer or (tenant != "" and _is_issuer(service, "2.0", tenant, whole))
