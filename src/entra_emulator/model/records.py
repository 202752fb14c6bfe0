"""The values that the directory returns: tenants, applications, credentials, permissions. Pure."""

from dataclasses import dataclass
from typing import Any

# A JSON object of Graph's, with Graph's own names.
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant: its GUID, its verified domains (the first is the initial one), and more."""

    number: int
    id: str
    display_name: str
    domains: tuple[str, ...]
    region: str
    created: float


@dataclass(frozen=True, slots=True)
class Application:
    """An app registration or a service principal: its Graph record and its three names."""

    record: Record

    @property
    def id(self) -> str:
        """The object ID."""
        return str(self.record["id"])

    @property
    def app_id(self) -> str:
        """The application (client) ID."""
        return str(self.record["appId"])

    @property
    def display_name(self) -> str:
        """The name people see."""
        return str(self.record["displayName"])


@dataclass(frozen=True, slots=True)
class Password:
    """A client secret; times in seconds since 1970. The value is only known when it is made."""

    key_id: str
    secret_text: str | None
    hint: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that proves an application's identity; thumbprints in upper-case hex."""

    key_id: str
    der: bytes
    thumbprint: str
    thumbprint_sha256: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Permission:
    """An application permission that an app asks for."""

    resource_app_id: str
    resource: str
    role_id: str
    value: str
    display_name: str


@dataclass(frozen=True, slots=True)
class FederatedCredential:
    """A trusted token issuer; a token's issuer, subject and audience must match exactly."""

    id: str
    name: str
    issuer: str
    subject: str
    audience: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """
    What a tenant has decided about an application's tokens.

    Args:
        revoked: whole seconds since 1970; tokens that begin earlier are revoked.
        blocked: a Conditional Access policy for workload identities blocks it.
    """

    revoked: int = 0
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """A managed identity of the pretend machine; only user-assigned ones have a resource ID."""

    app_id: str
    object_id: str
    tenant: Tenant
    resource_id: str | None
