"""Compression on the way out: gzip from the standard library, zstd where there is one."""

import importlib
import zlib
from typing import Protocol

from graphdaemon.errors import UsageError
from graphdaemon.output.stream import Stream, flush, put


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


class CompressedStream:
    """
    A stream that compresses what is written. Without `end` it stays incomplete, and readers notice.

    Args:
        stream: Where to.
        name: `gzip` or `zstd`.

    Raises:
        UsageError: This Python has no zstd.
    """

    def __init__(self, stream: Stream, name: str) -> None:
        self._stream = stream
        self._compressor = _gzip() if name == "gzip" else _zstd()

    def write(self, data: bytes, /) -> None:
        """Compress these bytes; some may be written later."""
        compressed = self._compressor.compress(data)
        if compressed:
            put(self._stream, compressed)

    def flush(self) -> None:
        """Pass on what is compressed already."""
        flush(self._stream)

    def end(self) -> None:
        """Write the end of the compressed stream; without it, decompression reports an error."""
        put(self._stream, self._compressor.flush())
        flush(self._stream)


def _gzip() -> _Compressor:
    # 31: the largest window, with gzip's own head and check sum; it holds neither name nor time,
    # so that the same records give the same bytes.
    return zlib.compressobj(wbits=31)


def _zstd() -> _Compressor:
    for module in ("compression.zstd", "backports.zstd"):
        try:
            compressor: _Compressor = importlib.import_module(module).ZstdCompressor()
        except ModuleNotFoundError:
            continue
        return compressor
    raise UsageError(
        "zstd is part of Python from 3.14 on, and of a package before",
        code="package_missing",
        hint="Run pip install 'graphdaemon[zstd]', or use --compress gzip.",
    )
