"""An authority as people paste it, which may hold more after the tenant than belongs there."""

import re
from urllib.parse import urlsplit

# What Microsoft's pages and the portal (App registrations > Endpoints) put behind the tenant.
_TAILS = (
    r"/v2\.0|/oauth2(?:/v2\.0)?(?:/(?:token|authorize|devicecode|logout))?|/(?:v2\.0/)?adminconsent"
    r"|(?:/v2\.0)?/\.well-known/openid-configuration"
)
_METADATA = "/.well-known/openid-configuration"


def cut_authority(address: str) -> str | None:
    """
    Reduce an address of Entra ID, such as that of its token endpoint, to `https://host/{tenant}`.

    Return None if more follows the tenant than is known, because it may mean something.
    """
    parts = urlsplit(address)
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    tenant, _, rest = path.lstrip("/").partition("/")
    # A policy of Azure AD B2C stands there, and belongs to the authority.
    if (parts.hostname or "").endswith(".b2clogin.com") or tenant.lower() == "tfp":
        return address.rstrip("/")
    if re.fullmatch(_TAILS, f"/{tenant}", re.IGNORECASE):
        tenant, rest = "", path.lstrip("/")
    tail = f"/{rest}" if rest else ""
    if (tail and not re.fullmatch(_TAILS, tail, re.IGNORECASE)) or parts.query or parts.fragment:
        return None
    return f"https://{parts.netloc}/{tenant}" if tenant else f"https://{parts.netloc}"


def cut_issuer(address: str) -> str:
    """Return the issuer's address without the path of its metadata."""
    return address.rstrip("/").removesuffix(_METADATA).rstrip("/")
