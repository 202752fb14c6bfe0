"""An application of the pretend tenant, and a certificate of its."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from entra_emulator.model.records import Tenant


@dataclass(frozen=True, slots=True)
class EmulatorApplication:
    """
    An application of the pretend tenant, with everything that a client needs to know about it.

    Args:
        client_id: its application ID.
        secret: the value of its client secret.
        secret_id: the ID of that secret.
        parameters: the content of a settings file with which graphdaemon lists the tenant's users
            as this application.
        environment: the environment variables from which azure-identity and others read such an
            application.
    """

    client_id: str
    secret: str
    secret_id: str
    parameters: dict[str, Any]
    environment: dict[str, str]


class EmulatorCertificate(NamedTuple):
    """
    A certificate of an application, with its key.

    Args:
        private_key: in PEM (PKCS #8), without a passphrase.
        certificate: in PEM.
        thumbprint: SHA-1 in hexadecimal digits, as the portal shows it.
    """

    private_key: str
    certificate: str
    thumbprint: str


class Reached(NamedTuple):
    """
    How programs reach an emulator.

    Args:
        origin: the token service's address, without a tenant.
        graph_url: Graph's address, with its version.
        ca_file: the authority to trust; None in process.
    """

    origin: str
    graph_url: str
    ca_file: Path | None


def note_down(
    reached: Reached, tenant: Tenant, client_id: str, secret: str, secret_id: str
) -> EmulatorApplication:
    """What the administrator of a tenant notes down of an application."""
    parameters = {
        "authority": f"{reached.origin}/{tenant.id}",
        "client_id": client_id,
        "scope": ["https://graph.microsoft.com/.default"],
        "secret": secret,
        "endpoint": f"{reached.graph_url}/users",
    }
    if reached.ca_file is not None:
        parameters["ca_file"] = str(reached.ca_file)
    environment = {
        "AZURE_AUTHORITY_HOST": reached.origin,
        "AZURE_TENANT_ID": tenant.id,
        "AZURE_CLIENT_ID": client_id,
        "AZURE_CLIENT_SECRET": secret,
    }
    return EmulatorApplication(client_id, secret, secret_id, parameters, environment)


# Making an RSA key takes a tenth of a second, and no two tests of a process can mix theirs up.
@lru_cache(maxsize=64)
def make_certificate(number: int) -> tuple[EmulatorCertificate, bytes]:
    """The self-signed certificate of this number, always the same in one process; and its DER."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"pretend certificate {number}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # At whatever time a test sets the clock to.
        .not_valid_before(datetime(2000, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 12, 31, tzinfo=UTC))
        .sign(key, SHA256())
    )
    private_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    der = certificate.public_bytes(Encoding.DER)
    made = EmulatorCertificate(
        private_key,
        certificate.public_bytes(Encoding.PEM).decode(),
        certificate.fingerprint(SHA1()).hex().upper(),  # noqa: S303 - the portal shows SHA-1
    )
    return made, der
