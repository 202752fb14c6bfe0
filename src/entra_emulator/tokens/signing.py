"""The token service's signing keys, and the tokens that they sign and verify."""

import base64
import random
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509.oid import NameOID

from entra_emulator.clock import Clock
from entra_emulator.errors import deny
from entra_emulator.private_files import write_file
from entra_emulator.tokens.claims_challenge import LEEWAY
from entra_emulator.tokens.jwt import (
    MalformedTokenError,
    encode_base64url,
    read_number,
    split_token,
)

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "graphdaemon emulator: not Entra ID")])

# How many keys are published at most; the real service has published five to eight.
MOST_KEYS = 8


@dataclass(frozen=True)
class SigningKey:
    """A private key and the self-signed certificate that publishes it."""

    private_key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @cached_property
    def kid(self) -> str:
        """The key's name: its certificate's SHA-1 thumbprint, as the real service has it."""
        return encode_base64url(self.certificate.fingerprint(SHA1()))  # noqa: S303 - x5t is SHA-1

    @cached_property
    def jwk(self) -> dict[str, Any]:
        """The public key in the form of the keys document."""
        numbers = self.private_key.public_key().public_numbers()
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": encode_base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
            "e": encode_base64url(numbers.e.to_bytes(3)),
            "x5c": [base64.b64encode(der).decode()],
        }


class KeyRing:
    """
    The token service's signing keys: the first signs, all are published.

    Making RSA keys takes longer than starting the server, so it happens in the
    background; `keys` waits for it. They are loaded from a PEM file, or written to it (mode 0600).
    At least two are made, so that clients learn to choose.

    Args:
        path: the file; None keeps them in memory.
        clock: tells from when on a new key is valid.
        count: how many to make.
        like: a ring whose keys are taken instead of new ones; a rotation concerns one ring alone.
    """

    _future: Future[tuple[SigningKey, ...]]

    def __init__(
        self, path: Path | None, clock: Clock, count: int = 2, *, like: "KeyRing | None" = None
    ) -> None:
        self._path, self._clock, self._count = path, clock, count
        # Two rotations at once would each lose the other's key.
        self._lock = threading.RLock()
        if like is not None:
            self._future = like._future  # noqa: SLF001 - another of this class
            return
        executor = ThreadPoolExecutor(1, "signing-keys")
        self._future = executor.submit(_load_keys, path, clock.now(), count)
        executor.shutdown(wait=False)

    @property
    def keys(self) -> tuple[SigningKey, ...]:
        """
        Every published key, the signing one first.

        Raises:
            OSError: their file cannot be read or written at this moment; the next use tries again.
        """
        try:
            return self._future.result()
        except OSError:
            return self._load_again()

    def wait(self) -> None:
        """Wait until nothing is written in the background any more, whatever came of it."""
        wait([self._future])

    def rotate(self) -> SigningKey:
        """
        Sign with a new key from now on, and keep it; the older ones stay published.

        Of more than eight keys the oldest goes, and tokens that it signed are valid no longer.
        """
        with self._lock:
            keys = (_make_key(self._clock.now()), *self.keys)[:MOST_KEYS]
            if self._path is not None:
                write_file(self._path, b"".join(map(_render_key, keys)))
            self._set(keys)
        # A token that the dropped key signed must not pass because it passed before.
        _read_signed.cache_clear()
        return keys[0]

    def _load_again(self) -> tuple[SigningKey, ...]:
        """The keys, after their file could not be opened: that may be over."""
        with self._lock:
            if self._future.exception() is not None:
                self._set(_load_keys(self._path, self._clock.now(), self._count))
            return self._future.result()

    def _set(self, keys: tuple[SigningKey, ...]) -> None:
        # `keys` waits for a future, as the first keys may still be in the making.
        loaded: Future[tuple[SigningKey, ...]] = Future()
        loaded.set_result(keys)
        self._future = loaded

    def find(self, kid: object) -> SigningKey | None:
        """The published key of this name."""
        return next((key for key in self.keys if key.kid == kid), None)


def render_jwks(ring: KeyRing, issuer: str | None = None) -> dict[str, Any]:
    """The keys document; in version 2.0 each key names the issuer whose tokens it signs."""
    member = {} if issuer is None else {"issuer": issuer}
    return {"keys": [key.jwk | member for key in ring.keys]}


def sign_token(ring: KeyRing, claims: Mapping[str, Any]) -> str:
    """
    Sign the claims with the newest key, which the header of version 1.0 names twice.

    The header of a real Graph token also has a `nonce`, which keeps everybody but Graph from
    verifying it; ours has none, so that every JWT library can.
    """
    key = ring.keys[0]
    headers = {"typ": "JWT", "kid": key.kid}
    if claims["ver"] == "1.0":
        headers["x5t"] = key.kid
    return jwt.encode(dict(claims), key.private_key, algorithm="RS256", headers=headers)


def read_access_token(ring: KeyRing, token: str, now: float) -> dict[str, Any]:
    """
    The claims of an access token that this emulator signed and that is valid now.

    The audience is left to the caller to check.

    Raises:
        GraphRefusal: 401, with the text that the real Graph has for that fault of a token.
    """
    if not token:
        raise deny("token_empty")
    if "." not in token:
        raise deny("token_shapeless")
    claims = _read_signed(ring, token)
    # Times are compared at each request; a signature that was right once stays right.
    expires, not_before = read_number(claims.get("exp")), read_number(claims.get("nbf"))
    if expires is None or now >= expires:
        raise deny("token_expired")
    if not_before is None or now < not_before - LEEWAY:
        raise deny("token_early")
    return claims


# A client sends the same token with every request until it expires.
@lru_cache(maxsize=256)
def _read_signed(ring: KeyRing, token: str) -> dict[str, Any]:
    try:
        header = split_token(token).header
    except MalformedTokenError as error:
        raise deny("token_undecodable" if error.part == "header" else "token_forged") from error
    key = ring.find(header.get("kid"))
    if key is None:
        raise deny("token_forged")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key.private_key.public_key(),
            algorithms=["RS256"],
            # PyJWT would compare times with the machine's clock, which is not the emulator's.
            options={
                "verify_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidTokenError as error:
        raise deny("token_forged") from error
    return claims


def draw_lifetime(rng: random.Random, *, long: bool = False) -> int:
    """
    Draw a lifetime in seconds: 60 to 90 minutes, or if `long` 20 to 28 hours.

    Sources: "Configurable token lifetimes" and, for clients that handle claims
    challenges, "Access tokens", Microsoft identity platform.
    """
    # Recorded lifetimes are a second short of a round number, such as 3599 and 86399.
    return rng.randint(72_000, 100_800) - 1 if long else rng.randint(3600, 5400) - 1


def describe_refresh(lifetime: int) -> dict[str, int]:
    """
    The `refresh_in` of an answer with a token: half its lifetime in seconds.

    Answers with a token of less than two hours have none; the libraries have the same limit.
    """
    return {"refresh_in": lifetime // 2} if lifetime >= 7200 else {}


def _load_keys(path: Path | None, now: float, count: int) -> tuple[SigningKey, ...]:
    if path is not None and path.exists():
        try:
            return _parse_keys(path.read_bytes())
        except ValueError:
            raise ValueError(
                f"{path} holds no signing keys of the emulator. Move it away, or name another "
                "folder."
            ) from None
    keys = tuple(_make_key(now) for _ in range(count))
    if path is not None:
        write_file(path, b"".join(map(_render_key, keys)))
    return keys


def _make_key(now: float) -> SigningKey:
    private_key = rsa.generate_private_key(65537, 2048)
    # A day early, for programs whose clock is behind this one.
    start = datetime.fromtimestamp(now, UTC).replace(microsecond=0) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(private_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=5 * 365))
        .sign(private_key, SHA256())
    )
    return SigningKey(private_key, certificate)


def _render_key(key: SigningKey) -> bytes:
    return key.private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + key.certificate.public_bytes(serialization.Encoding.PEM)


def _parse_keys(pem: bytes) -> tuple[SigningKey, ...]:
    certificates = x509.load_pem_x509_certificates(pem)
    if any(certificate.subject != _NAME for certificate in certificates):
        raise ValueError("a certificate in it is another program's")
    marker = b"-----BEGIN PRIVATE KEY-----"
    texts = [marker + text for text in pem.split(marker)[1:]]
    keys = [serialization.load_pem_private_key(text, None) for text in texts]
    rsa_keys = [key for key in keys if isinstance(key, rsa.RSAPrivateKey)]
    if not rsa_keys:
        raise ValueError("there is no RSA key in it")
    return tuple(SigningKey(*pair) for pair in zip(rsa_keys, certificates, strict=True))
