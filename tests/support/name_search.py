"""Finding what somebody is called, however it is written."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from functools import cache
from urllib.parse import quote

SHORTEST = 5


def list_forms(value: str) -> Iterator[bytes]:
    """The value in every case of letters, and encoded as addresses, JSON and files do it."""
    for text in {value, value.lower(), value.upper(), value.title()}:
        escaped = json.dumps(text)[1:-1]
        percent = "".join(f"%{byte:02X}" for byte in text.encode())
        yield from (text.encode(), quote(text).encode(), percent.encode(), percent.lower().encode())
        yield from (escaped.encode(), escaped.upper().encode(), repr(text)[1:-1].encode())
        yield "".join(f"\\u{ord(sign):04x}" for sign in text if ord(sign) < 65_536).encode()
        yield "".join(f"&#{ord(sign)};" for sign in text).encode()
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1"):
            raw = text.encode(encoding, "ignore")
            yield from (raw, raw.hex().encode(), raw.hex().upper().encode())
            yield from _list_base64(raw)


def _list_base64(raw: bytes) -> Iterator[bytes]:
    """As it stands within something longer in base64: what stands before it moves it."""
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        end = len(whole) - 4 if (len(raw) + shift) % 3 else len(whole)
        inner = whole[-(-shift * 8 // 6) : end]
        yield from (inner, inner.replace(b"+", b"-").replace(b"/", b"_"))


def find_names(values: Iterable[str], content: bytes) -> list[str]:
    """Which of the values are in the content, in whatever form."""
    return [value for value in values if any(form in content for form in _remember_forms(value))]


@cache
def _remember_forms(value: str) -> frozenset[bytes]:
    # Shorter ones are met by chance.
    return frozenset(form for form in list_forms(value) if len(form) >= SHORTEST)
