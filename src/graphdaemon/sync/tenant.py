"""
Which tenant the settings mean: its ID, whatever name they use.

A tenant may have several domains, and an authority may contain any of them, or the ID. In the store
it is one tenant with one ID, which is taken from the authority's OpenID configuration.

Source: "OpenID Connect on the Microsoft identity platform" on learn.microsoft.com: the issuer is
`https://{host}/{tenant ID}/v2.0`, also where the configuration was asked for by a domain.
"""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from graphdaemon.diagnosis.token_claims import read_claims
from graphdaemon.errors import IdentityError
from graphdaemon.graph.graph import Sender, Tokens
from graphdaemon.received.json import decode_object
from graphdaemon.received.text import read_name
from graphdaemon.settings.model import Settings

_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Tenant(NamedTuple):
    """
    A tenant.

    Attributes:
        id: Its ID; of an issuer that has none in its address, that address.
        name: What the settings call it.
    """

    id: str
    name: str


def read_tenant(settings: Settings) -> Tenant | None:
    """Return the tenant, if the settings name it by its ID; None where it has to be asked for."""
    name = name_tenant(settings)
    return Tenant(name.lower(), name) if _GUID.fullmatch(name) else None


async def ask_tenant(settings: Settings, sender: Sender, tokens: Tokens) -> Tenant:
    """
    Ask the authority for the ID of its tenant.

    Raises:
        IdentityError: It answered with something else.
        NetworkError: It did not answer.
    """
    if settings.authority is None and settings.oidc_authority is None:
        return await _read_token(tokens)
    issuer = settings.oidc_authority
    base = issuer.rstrip("/") if issuer else f"{(settings.authority or '').rstrip('/')}/v2.0"
    url = f"{base}/.well-known/openid-configuration"
    response = await sender.send("GET", url, {"Accept": "application/json"})
    configuration = decode_object(response.body) if response.status == 200 else None
    said = configuration.get("issuer") if configuration is not None else None
    if not isinstance(said, str) or read_name(said[:100]) is None:
        raise IdentityError(
            f"{url}: the answer does not name an issuer (status {response.status})",
            code="identity_unreadable",
            hint="Write the tenant's ID into the authority instead of its domain, or run "
            "`graphdaemon doctor`.",
        )
    match = _GUID.search(said)
    return Tenant(match[0].lower() if match else said, name_tenant(settings))


async def _read_token(tokens: Tokens) -> Tenant:
    """The tenant of a managed identity, for which the settings name no authority."""
    token = await tokens.token()
    # A client should not look into a token; but here nothing else names the tenant.
    said = (read_claims(token.value) or {}).get("tid")
    if not isinstance(said, str) or not _GUID.fullmatch(said):
        raise IdentityError(
            "the token of the managed identity does not name a tenant",
            code="identity_unreadable",
            hint="Add authority to the settings: https://login.microsoftonline.com/{tenant ID}.",
        )
    return Tenant(said.lower(), said.lower())


def name_tenant(settings: Settings) -> str:
    """Return what the settings call the tenant: its ID, a domain or a host; empty for none."""
    address = settings.authority or settings.oidc_authority or ""
    parts = urlsplit(address)
    return parts.path.strip("/").partition("/")[0] or parts.netloc
