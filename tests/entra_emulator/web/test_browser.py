from __future__ import annotations

import pytest

from entra_emulator.web.browser import matches_redirect


@pytest.mark.parametrize(
    ("registered", "uri", "expected"),
    [
        ("http://localhost", "http://localhost:5000", True),
        ("http://localhost", "http://localhost:5000/", True),
        ("http://localhost/cb", "http://localhost:5000/cb", True),
        ("http://127.0.0.1", "http://127.0.0.1:9", True),
        ("http://localhost", "http://127.0.0.1:5000", False),
        ("http://localhost", "https://localhost:5000", False),
        ("http://localhost", "http://localhost:5000/other", False),
        ("http://localhost", "http://localhost:5000/?x=1", False),
        ("http://localhost", "http://localhost@evil.example/", False),
        ("http://localhost", "http://x@localhost:80/", False),
        ("http://localhost", "http://localhost:port/", False),
        ("http://localhost", "http://[", False),
        ("https://app.example/cb", "https://app.example:444/cb", False),
        ("https://app.example/cb", "https://app.example/cb/", False),
    ],
)
def test_loopback(registered: str, uri: str, expected: bool) -> None:
    """Only the port of a loopback redirect URI is free."""
    assert matches_redirect(registered, uri) is expected
