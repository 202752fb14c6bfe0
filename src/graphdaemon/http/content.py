"""The content of an answer: decompressed, and never beyond the limit."""

import contextlib
import zlib
from collections.abc import Callable
from typing import Any

from graphdaemon.http.limits import LimitExceededError

Inflater = Callable[..., Any]
"""Makes an object that decompresses, as `zlib.decompressobj` does."""

# ISA-L decompresses twice as fast as zlib; the extra `fast` brings it where it is built.
_inflater: Inflater = zlib.decompressobj
_failure: type[Exception] = zlib.error
with contextlib.suppress(ImportError):
    from isal import isal_zlib

    _inflater = isal_zlib.decompressobj
    _failure = isal_zlib.IsalError  # type: ignore[assignment]  # its types call the class an object


def decompress(content: bytes, encoding: str, limit: int, inflater: Inflater = _inflater) -> bytes:
    """
    Return `content` without its `Content-Encoding`, where that is gzip; another is left as it is.

    Raises:
        LimitExceededError: It is longer than `limit`.
        zlib.error: It is broken, or does not end.
    """
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        return content
    # What is broken is told by zlib, in the same words whoever reads it first.
    with contextlib.suppress(_failure):
        return _decompress_members(content, limit, inflater)
    return _decompress_members(content, limit, zlib.decompressobj)


def _decompress_members(content: bytes, limit: int, inflater: Inflater) -> bytes:
    """Decompress one or several members (RFC 1952, 2.2), whose contents follow one another."""
    members: list[bytes] = []
    room = limit
    while content:
        decompressor = inflater(wbits=31)
        # One byte more than fits, so that what is exactly as long as the limit is not refused.
        members.append(decompressor.decompress(content, room + 1))
        room -= len(members[-1])
        if room < 0:
            raise LimitExceededError("content_bytes", limit)
        if not decompressor.eof:
            raise zlib.error("the content does not end")
        content = decompressor.unused_data
    return b"".join(members)
