"""Client assertions: signed statements "I am this app" (RFC 7523), wherever the key is."""

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from graphdaemon.auth.key_files import CertificateInfo

Sign = Callable[[bytes, str], bytes]
"""Signs bytes with `PS256` or `RS256`."""

# Ten minutes is the most that Microsoft recommends ("Certificate credentials"), and the most that
# `addKey` allows.
_LIFETIME_S = 600


def make_assertion(
    client_id: str,
    audience: str,
    certificate: CertificateInfo,
    sign: Sign,
    *,
    send_chain: bool = False,
) -> str:
    """
    Return an assertion for `audience`, the token endpoint.

    It is signed with PS256 and names the certificate by its SHA-256 thumbprint, as Microsoft
    documents. Where only the SHA-1 thumbprint is known it has the older form with RS256, which is
    still accepted.
    """
    now = int(time.time())
    algorithm = "PS256" if certificate.thumbprint_sha256 else "RS256"
    header: dict[str, Any] = {"alg": algorithm, "typ": "JWT"}
    if certificate.thumbprint_sha256:
        header["x5t#S256"] = _encode(bytes.fromhex(certificate.thumbprint_sha256))
    elif certificate.thumbprint:
        header["x5t"] = _encode(bytes.fromhex(certificate.thumbprint))
    if send_chain:
        header["x5c"] = [base64.b64encode(der).decode() for der in certificate.chain]
    claims = {"aud": audience, "iss": client_id, "sub": client_id, "jti": str(uuid.uuid4())}
    return _make(header, {**claims, "iat": now}, now, sign)


def make_possession_proof(object_id: str, certificate: CertificateInfo, sign: Sign) -> str:
    """
    Return the proof that `addKey` and `removeKey` require: that we have one of the app's keys.

    Source: "Generate proof of possession tokens for rolling keys" on learn.microsoft.com, whose
    example makes the header of RS256 with both names of the certificate.
    """
    assert certificate.thumbprint is not None, "a certificate to be rotated is at hand"
    header = {
        "alg": "RS256",
        "typ": "JWT",
        "kid": certificate.thumbprint,
        "x5t": _encode(bytes.fromhex(certificate.thumbprint)),
    }
    claims = {"aud": "00000002-0000-0000-c000-000000000000", "iss": object_id}
    return _make(header, claims, int(time.time()), sign)


def _make(header: dict[str, Any], claims: dict[str, Any], now: int, sign: Sign) -> str:
    times = {"nbf": now, "exp": now + _LIFETIME_S}
    content = f"{_part(header)}.{_part({**claims, **times})}"
    return f"{content}.{_encode(sign(content.encode(), header['alg']))}"


def _part(value: dict[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
