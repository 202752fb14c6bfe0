"""
Client authentication by an assertion that a registered certificate signs.

The rules are those of the page "Microsoft identity platform application authentication
certificate credentials". What is tolerated beyond them is what MSAL Python 1.39, MSAL Node 7.2,
azure-identity 1.27 and MSAL.NET really send.
"""

import base64
import binascii
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from entra_emulator.clock import format_iso
from entra_emulator.errors import TokenRefusal, refuse
from entra_emulator.model.records import Certificate
from entra_emulator.tokens.jwt import MalformedTokenError, UnverifiedToken, read_number, split_token

# Seconds either side of now. The real allowance is not published; some is needed, as assertions of
# MSAL Node begin a second after they are made.
LEEWAY = 300

_PADDINGS: dict[str, padding.AsymmetricPadding] = {
    "RS256": padding.PKCS1v15(),
    # The salt is as long as the hash (RFC 7518, 3.5).
    "PS256": padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH),
}


def verify_assertion(
    assertion: str,
    *,
    client_id: str,
    certificates: Collection[Certificate],
    audiences: Collection[str],
    now: float,
) -> Certificate:
    """
    The registered certificate whose key signed this assertion.

    Only the public key of a registered certificate is used, never one from the header (`x5c`,
    `jwk`, `jku`). The same assertion may come again until it expires: MSAL Python repeats one for
    nine minutes. `iss` and `sub` must both name the client, `aud` one of the audiences.

    Raises:
        TokenRefusal: 50027, 5002730, 700027, 50012, 50048, 700023 or 700024.
    """
    try:
        parts = split_token(assertion)
    except MalformedTokenError as error:
        raise refuse(50027) from error
    if str(parts.header.get("alg")) not in _PADDINGS:
        raise refuse(5002730)
    if "crit" in parts.header:  # extensions we would have to understand (RFC 7515, 4.1.11)
        raise refuse(50027)
    certificate = _find_certificate(parts.header, client_id, certificates)
    # The claims come last, so that only the key's owner is told what is wrong with them.
    _check_signature(parts, certificate, client_id)
    _check_validity(certificate, client_id, now)
    _check_claims(parts.claims, client_id, audiences)
    check_times(parts.claims, now)
    return certificate


def _find_certificate(
    header: dict[str, Any], client_id: str, certificates: Collection[Certificate]
) -> Certificate:
    # SHA-1 too: azure-identity's CertificateCredential and Azure CLI send `x5t` alone.
    for name, size in (("x5t#S256", 32), ("x5t", 20)):
        if name not in header:
            continue
        thumbprint = _decode_thumbprint(header[name], size)
        for certificate in certificates:
            if thumbprint in {certificate.thumbprint, certificate.thumbprint_sha256}:
                return certificate
        raise _refuse_key(client_id, "The key was not found.", thumbprint)
    raise refuse(50027)


def _decode_thumbprint(value: object, size: int) -> str:
    if not isinstance(value, str) or not value.isascii():
        raise refuse(50027)
    bare = value.rstrip("=")  # MSAL Python and azure-identity pad it
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise refuse(50027) from error
    if len(data) != size:
        raise refuse(50027)
    return data.hex().upper()


def _check_signature(parts: UnverifiedToken, certificate: Certificate, client_id: str) -> None:
    public_key = x509.load_der_x509_certificate(certificate.der).public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    chosen_padding = _PADDINGS[str(parts.header["alg"])]
    try:
        public_key.verify(parts.signature, parts.signed, chosen_padding, SHA256())
    except InvalidSignature as error:
        reason = "The key was found, but use of the key to verify the signature failed."
        raise _refuse_key(client_id, reason, certificate.thumbprint, certificate) from error


def _check_validity(certificate: Certificate, client_id: str, now: float) -> None:
    if now > certificate.end + LEEWAY:
        reason = "The key used is expired."
        raise _refuse_key(client_id, reason, certificate.thumbprint, certificate)
    if now < certificate.start - LEEWAY:
        raise refuse(50012)


def _check_claims(claims: dict[str, Any], client_id: str, audiences: Collection[str]) -> None:
    # An array of audiences is malformed to the real service (panva/openid-client#348).
    if not all(isinstance(claims.get(name), str) for name in ("iss", "sub", "aud")):
        raise refuse(50027)
    # Client IDs are GUIDs, and these are the same in capitals.
    if not claims["iss"].lower() == claims["sub"].lower() == client_id.lower():
        raise refuse(50048)
    if claims["aud"] not in audiences:
        raise refuse(700023)


def check_times(claims: dict[str, Any], now: float) -> None:
    """
    Refuse an assertion that has expired or not begun; five minutes either way do not matter.

    Raises:
        TokenRefusal: 50027 or 700024.
    """
    # Two of the three may be absent: MSAL Python sends no `nbf`, azure-identity's aio no `iat`.
    times = {name: read_number(claims[name]) for name in ("exp", "nbf", "iat") if name in claims}
    if "exp" not in times or None in times.values():
        raise refuse(50027)
    expires, starts = times["exp"], times.get("nbf", 0.0)
    assert expires is not None
    assert starts is not None
    if now >= expires + LEEWAY or now < starts - LEEWAY:
        # Without nbf the real text says 1970 (microsoft-authentication-library-for-dotnet#4951).
        moments = {"now": now, "start": starts, "end": expires}
        raise refuse(700024, **{name: format_iso(moment, 7) for name, moment in moments.items()})


def _refuse_key(
    client_id: str, reason: str, thumbprint: str, certificate: Certificate | None = None
) -> TokenRefusal:
    description = ""
    if certificate is not None:
        dates = (
            f"{datetime.fromtimestamp(moment, UTC):%m/%d/%Y %H:%M:%S}"
            for moment in (certificate.start, certificate.end)
        )
        description = " Found key 'Start={}, End={}',".format(*dates)
    return refuse(
        700027, reason=reason, thumbprint=thumbprint, known_key=description, app=client_id
    )
