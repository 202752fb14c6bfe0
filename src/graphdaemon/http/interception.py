"""Find out who signed a certificate, to recognise a proxy that decrypts TLS to Microsoft."""

import ssl
from urllib.parse import urlsplit

from graphdaemon.cloud import CLOUDS

# The organizations that issue the certificates of Microsoft's hosts ("Azure Certificate Authority
# details").
_MICROSOFTS_SIGNERS = ("DigiCert", "Microsoft")

_MICROSOFTS_HOSTS = {
    *(host for cloud in CLOUDS for host in cloud.authority_hosts),
    *(urlsplit(cloud.graph).hostname for cloud in CLOUDS),
}


def is_intercepted(host: str, signer: str) -> bool:
    """Return whether `host` is Microsoft's, and `signer` does not sign for Microsoft's hosts."""
    name = urlsplit(f"https://{host}").hostname
    return name in _MICROSOFTS_HOSTS and not any(word in signer for word in _MICROSOFTS_SIGNERS)


def make_looking_context() -> ssl.SSLContext:
    """
    Return a TLS context that accepts any certificate.

    It serves only to read a certificate that was not trusted; no request is sent with it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def read_signer(der: bytes) -> str | None:
    """Return the issuer of a DER-encoded certificate, in words; None if it cannot be read."""
    from cryptography import x509

    try:
        issuer = x509.load_der_x509_certificate(der).issuer
    except ValueError:
        return None
    names = {
        x509.NameOID.COMMON_NAME: "commonName",
        x509.NameOID.ORGANIZATION_NAME: "organizationName",
    }
    return name_signer(
        [[(names[part.oid], str(part.value))] for part in issuer if part.oid in names]
    )


def name_signer(issuer: object) -> str:
    """
    Return an issuer in words: `DigiCert Inc (DigiCert Global G2 TLS RSA SHA256 2020 CA1)`.

    Args:
        issuer: The value of `issuer` that `SSLSocket.getpeercert` returns.
    """
    parts: dict[str, str] = {}
    if isinstance(issuer, list | tuple):
        parts = {name: value for relative in issuer for name, value in relative}
    organization, name = parts.get("organizationName"), parts.get("commonName")
    both = f"{organization} ({name})" if organization and name else organization or name
    return both or parts.get("organizationalUnitName") or "somebody without a name"
