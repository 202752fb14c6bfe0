"""How the app's own keys are told apart."""

import base64

import pytest

from graphdaemon.registration.own_keys import read_thumbprint

THUMBPRINT = "AB" * 20


@pytest.mark.parametrize(
    ("identifier", "thumbprint"),
    [
        (THUMBPRINT.lower(), THUMBPRINT),
        (base64.b64encode(bytes.fromhex(THUMBPRINT)).decode(), THUMBPRINT),
        ("somebody's own", "somebody's own"),
        (None, ""),
    ],
    ids=["hex", "base64", "other", "none"],
)
def test_a_thumbprint_is_read_in_either_form(identifier: str | None, thumbprint: str) -> None:
    """Graph has been seen to give both; a key that somebody named otherwise keeps its name."""
    assert read_thumbprint({"customKeyIdentifier": identifier}) == thumbprint
