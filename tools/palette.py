"""Pictures of pages made small: PNG with a palette, as far as 256 colours go."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import cache

__all__ = ["shrink"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB, _PALETTE = 2, 3
_MOST = 256


def shrink(picture: bytes) -> bytes:
    """
    The same picture; every rare colour becomes the most alike of the frequent ones.

    Args:
        picture: a PNG with eight bits a channel, without transparency, not interlaced, as
            Chromium's screenshots are.
    """
    parts = list(_split(picture))
    width, height, depth, kind = struct.unpack(">IIBB", parts[0][1][:10])
    assert (depth, kind) == (8, _RGB), "a screenshot of Chromium's"
    content = zlib.decompress(b"".join(body for name, body in parts if name == b"IDAT"))
    rows = list(_unfilter(content, 3 * width))
    pixels = [[row[at : at + 3] for at in range(0, 3 * width, 3)] for row in rows]
    counted = Counter(colour for row in pixels for colour in row)
    colours = [colour for colour, _ in counted.most_common(_MOST)]

    @cache
    def place(colour: bytes) -> int:
        return min(range(len(colours)), key=lambda one: _distance(colours[one], colour))

    lines = b"".join(b"\0" + bytes(map(place, row)) for row in pixels)
    return _SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _PALETTE, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(colours)),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _split(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks: names and contents."""
    at = len(_SIGNATURE)
    while at < len(picture):
        length, name = struct.unpack_from(">I4s", picture, at)
        yield name, picture[at + 8 : at + 8 + length]
        at += length + 12


def _unfilter(content: bytes, width: int) -> Iterator[bytes]:
    """The lines as they were before each was written as its difference to its neighbours."""
    above = bytes(width)
    for start in range(0, len(content), width + 1):
        kind, line = content[start], bytearray(content[start + 1 : start + 1 + width])
        for at in range(width) if kind else ():
            left = line[at - 3] if at > 2 else 0
            corner = above[at - 3] if at > 2 else 0
            line[at] = (line[at] + _predict(kind, left, above[at], corner)) & 255
        above = bytes(line)
        yield above


def _predict(kind: int, left: int, up: int, corner: int) -> int:
    """What the filter took off, by its number in the PNG specification."""
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


def _distance(one: bytes, other: bytes) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
