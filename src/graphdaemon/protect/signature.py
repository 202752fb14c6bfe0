"""Signatures by RS256, and the keys they are checked with; PyJWT (an extra) lives here alone."""

import importlib.util
from collections.abc import Mapping
from functools import cache
from typing import Any

from graphdaemon.errors import SettingsError

ALGORITHM = "RS256"

# Shorter keys can be broken; longer ones, and large exponents, only take time to use.
_LEAST_BITS, _MOST_BITS = 2048, 8192
_LARGEST_EXPONENT = 1 << 32


def require_jwt() -> None:
    """
    Make sure that the package is there, without loading it.

    Raises:
        SettingsError: It is missing.
    """
    if importlib.util.find_spec("jwt") is None:
        raise SettingsError(
            "tokens cannot be verified: the package PyJWT is missing",
            code="package_missing",
            hint="Run pip install 'graphdaemon[api]'.",
        )


def read_key(jwk: Mapping[str, Any]) -> Any | None:
    """Return the public RSA key of an entry of a keys document; None if it is no such key."""
    import jwt

    if jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig" or "d" in jwk:
        return None
    if jwk.get("alg", ALGORITHM) != ALGORITHM:
        return None
    try:
        key: Any = _algorithm().from_jwk(dict(jwk))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
        return None
    is_fit = _LEAST_BITS <= key.key_size <= _MOST_BITS
    return key if is_fit and key.public_numbers().e < _LARGEST_EXPONENT else None


def is_signed_by(key: Any, signed: bytes, signature: bytes) -> bool:
    """Whether `signature` is that of `key` on `signed`."""
    return bool(_algorithm().verify(signed, key, signature))


@cache
def _algorithm() -> Any:
    import jwt

    return jwt.get_algorithm_by_name(ALGORITHM)
