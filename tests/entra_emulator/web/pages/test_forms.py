"""Forms as browsers send them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from entra_emulator.web.pages.forms import Form, read_form
from entra_emulator.web.pages.refusal import PortalRefusal
from tests.support.portal_visitor import encode

# RFC 7578 leaves line breaks in names to nobody.
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


def read(kind: str, body: bytes) -> Form:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "headers": [(b"content-type", kind.encode())]}
    return asyncio.run(read_form(Request(scope, receive)))


@given(
    st.lists(st.tuples(NAMES, st.text(st.characters(codec="utf-8"))), max_size=4),
    st.dictionaries(NAMES, st.binary(max_size=60), max_size=2) | st.none(),
)
def test_every_byte(fields: list[tuple[str, str]], files: dict[str, bytes] | None) -> None:
    """What is sent is read, to the byte, in either encoding."""
    form = read(*encode(fields, files))

    assert list(form.fields) == fields
    assert form.files == (files or {})


def test_reading() -> None:
    """The first text of a name counts, without blanks around it; ticked boxes come together."""
    form = read("application/x-www-form-urlencoded", b"a=+x+&a=y&b=")

    assert (form.get("a"), form.each("a"), form.get("b"), form.get("c")) == (
        "x",
        [" x ", "y"],
        "",
        "",
    )


@given(st.binary(max_size=80), st.sampled_from(["", "; boundary=x", "; boundary=", "; boundary"]))
def test_noise(body: bytes, boundary: str) -> None:
    """Noise is read as something, or refused; it breaks nothing."""
    with suppress(PortalRefusal):
        read(f"multipart/form-data{boundary}", body)


def test_limit() -> None:
    """A form beyond the limit is not kept."""
    with pytest.raises(PortalRefusal, match="413 large"):
        read("text/plain", b"x" * 131_073)
