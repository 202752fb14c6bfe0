"""The content of an answer: decompressed, and never beyond the limit."""

import contextlib
import zlib
from collections.abc import Callable

from graphdaemon.http.limits import LimitExceededError

# ISA-L decompresses twice as fast as zlib; the extra `fast` brings it where it is built.
_inflate = zlib.decompress
_failure: type[Exception] = zlib.error
with contextlib.suppress(ImportError):
    from isal import isal_zlib

    _inflate = isal_zlib.decompress
    _failure = isal_zlib.IsalError  # type: ignore[assignment]  # its types call the class an object

# Deflate makes nothing smaller than by this factor (zlib's "Technical Details", Maximum
# Compression Factor).
_GREATEST_FACTOR = 1032
# How a member of gzip begins (RFC 1952, 2.3.1).
_MEMBER = b"\x1f\x8b\x08"


def decompress(
    content: bytes, encoding: str, limit: int, inflate: Callable[..., bytes] = _inflate
) -> bytes:
    """
    Return `content` without its `Content-Encoding`, where that is gzip; another is left as it is.

    Raises:
        LimitExceededError: It is longer than `limit`.
        zlib.error: It is broken, or does not end.
    """
    if encoding.strip().lower() not in ("gzip", "x-gzip") or not content:
        return content
    # The last four bytes are the length of the result (RFC 1952, 2.3.1). Setting as much memory
    # aside at once saves a quarter of a page's whole cost, and can be done where nothing that they
    # may hide would be too long.
    length = int.from_bytes(content[-4:], "little")
    is_single = content.find(_MEMBER, 1) < 0
    if is_single and len(content) * _GREATEST_FACTOR <= limit and length <= limit:
        # What is broken is told by zlib below, in the same words whoever reads it first.
        with contextlib.suppress(_failure):
            decompressed = inflate(content, wbits=31, bufsize=max(1, length))
            if len(decompressed) == length:
                return decompressed
    return _decompress_members(content, limit)


def _decompress_members(content: bytes, limit: int) -> bytes:
    """Decompress one or several members (RFC 1952, 2.2), whose contents follow one another."""
    members: list[bytes] = []
    room = limit
    while content:
        decompressor = zlib.decompressobj(wbits=31)
        # One byte more than fits, so that what is exactly as long as the limit is not refused.
        members.append(decompressor.decompress(content, room + 1))
        room -= len(members[-1])
        if room < 0:
            raise LimitExceededError("content_bytes", limit)
        if not decompressor.eof:
            raise zlib.error("the content does not end")
        content = decompressor.unused_data
    return b"".join(members)
