"""Which entries of a keys document are keys that tokens may be signed with."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from graphdaemon.protect.signature import is_signed_by, read_key
from tests.support.certificates_and_assertions import encode, make_key
from tests.support.foreign_issuer import describe

GOOD = describe("one", make_key(1))


def test_a_public_key_is_read() -> None:
    """With what real documents say besides."""
    more = {"x5t": "one", "x5c": ["MIIB"], "alg": "RS256", "issuer": "https://x/{tenantid}/v2.0"}

    key = read_key(GOOD | more)

    assert key is not None
    assert key.public_numbers() == make_key(1).public_key().public_numbers()


WRONG: dict[str, dict[str, Any]] = {
    "to encrypt": GOOD | {"use": "enc"},
    "of another algorithm": GOOD | {"alg": "PS256"},
    "private": GOOD | {"d": "AQAB"},
    "symmetric": {"kty": "oct", "k": "c2VjcmV0", "kid": "one"},
    "of a curve": describe("one", ec.generate_private_key(ec.SECP256R1())),
    "without a type": {name: value for name, value in GOOD.items() if name != "kty"},
    "without a modulus": {name: value for name, value in GOOD.items() if name != "n"},
    "with a modulus of no text": GOOD | {"n": 7},
    "with a modulus that is no base64": GOOD | {"n": "é"},
    "with an empty modulus": GOOD | {"n": ""},
    "with an even exponent": GOOD | {"e": encode(b"\x02")},
    "with an endless exponent": GOOD | {"e": encode(b"\xff" * 200)},
    "short": describe("one", rsa.generate_private_key(65537, 1024)),
    "long": GOOD | {"n": encode(b"\xff" * 2049)},
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_such_key_is_left_out(name: str) -> None:
    """A bad entry is no reason to refuse the good ones beside it."""
    assert read_key(WRONG[name]) is None


def test_a_signature_of_any_length_is_only_wrong() -> None:
    """Nothing but the right one passes, and none raises."""
    key = read_key(GOOD)

    for signature in (b"", b"x", b"\0" * 256, b"\xff" * 256, b"x" * 100_000):
        assert not is_signed_by(key, b"signed", signature)


def test_a_missing_package_is_named() -> None:
    """Without PyJWT the module loads, and making an API says what to install."""
    code = (
        "import sys; sys.modules['jwt'] = None\n"
        "from graphdaemon import protect\n"
        "print(*{'starlette', 'flask', 'django', 'fastapi'} & set(sys.modules))\n"
        "try: protect.load(authority='https://login.microsoftonline.com/t', client_id='c')\n"
        "except protect.SettingsError as error: print(error.code, error.hint)\n"
    ).replace("protect.SettingsError", "__import__('graphdaemon').errors.SettingsError")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [
        "",
        "package_missing Run pip install 'graphdaemon[api]'.",
    ]
