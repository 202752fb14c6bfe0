"""Who signed a host's certificate: at Microsoft's hosts, that shows who opens TLS on the way."""

import ssl
from urllib.parse import urlsplit

from graphdaemon.cloud import CLOUDS

# Who signs for Microsoft's hosts, in all clouds ("Azure Certificate Authority details").
_MICROSOFTS_SIGNERS = ("DigiCert", "Microsoft")

_MICROSOFTS_HOSTS = {
    *(host for cloud in CLOUDS for host in cloud.authority_hosts),
    *(urlsplit(cloud.graph).hostname for cloud in CLOUDS),
}


def is_intercepted(host: str, signer: str) -> bool:
    """Say whether somebody else than Microsoft signs for a host of Microsoft's."""
    name = urlsplit(f"https://{host}").hostname
    return name in _MICROSOFTS_HOSTS and not any(one in signer for one in _MICROSOFTS_SIGNERS)


def make_looking_context() -> ssl.SSLContext:
    """
    Return a TLS context that trusts anybody.

    For a line over which nothing is sent: it is opened to look at a certificate that another line
    was refused for.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def read_signer(der: bytes) -> str | None:
    """Whoever signed the certificate, in words; None if it cannot be read."""
    from cryptography import x509

    try:
        issuer = x509.load_der_x509_certificate(der).issuer
    except ValueError:
        return None
    names = {
        x509.NameOID.COMMON_NAME: "commonName",
        x509.NameOID.ORGANIZATION_NAME: "organizationName",
    }
    return name_signer([[(names[one.oid], str(one.value))] for one in issuer if one.oid in names])


def name_signer(issuer: object) -> str:
    """
    Put an issuer into words: `DigiCert Inc (DigiCert Global G2 TLS RSA SHA256 2020 CA1)`.

    Args:
        issuer: As `SSLSocket.getpeercert` has it.
    """
    parts: dict[str, str] = {}
    if isinstance(issuer, list | tuple):
        parts = {name: value for relative in issuer for name, value in relative}
    organization, name = parts.get("organizationName"), parts.get("commonName")
    both = f"{organization} ({name})" if organization and name else organization or name
    shown = both or parts.get("organizationalUnitName") or "somebody without a name"
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in shown)
