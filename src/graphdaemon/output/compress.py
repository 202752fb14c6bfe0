"""Compression on the way out: gzip from the standard library, zstd where there is one."""

import contextlib
import importlib
import zlib
from typing import Any

from graphdaemon.errors import UsageError
from graphdaemon.output.stream import Stream, flush, put


class CompressedStream:
    """
    A stream that compresses what is written, with `gzip` or `zstd`.

    Without `end` it stays incomplete, and readers notice.

    Raises:
        UsageError: This Python has no zstd.
    """

    def __init__(self, stream: Stream, name: str) -> None:
        self._stream = stream
        # 31: the largest window, with gzip's own head and check sum; it holds neither name nor
        # time, so that the same records give the same bytes.
        self._compressor = zlib.compressobj(wbits=31) if name == "gzip" else _make_zstd()

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


def _make_zstd() -> Any:
    for module in ("compression.zstd", "backports.zstd"):
        with contextlib.suppress(ModuleNotFoundError):
            return importlib.import_module(module).ZstdCompressor()
    raise UsageError(
        "zstd is part of Python from 3.14 on, and of a package before",
        code="package_missing",
        hint="Run pip install 'graphdaemon[zstd]', or use --compress gzip.",
    )
