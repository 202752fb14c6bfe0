"""Compress an output: gzip with the standard library, and zstd where a module for it exists."""

import contextlib
import importlib
import zlib
from typing import Any

from graphdaemon.errors import UsageError
from graphdaemon.output.stream import Stream, flush, put


class CompressedStream:
    """
    A stream that compresses what is written to it.

    Unless `end` is called, the compressed data stay incomplete, and decompressing them fails.

    Args:
        stream: Where the compressed bytes go.
        name: `gzip` or `zstd`.

    Raises:
        UsageError: This Python has no module for zstd.
    """

    def __init__(self, stream: Stream, name: str) -> None:
        self._stream = stream
        # 31 is the largest window, with the header and check sum of gzip. This header has neither
        # a name nor a time, so that the same records give the same bytes.
        self._compressor = zlib.compressobj(wbits=31) if name == "gzip" else _make_zstd()

    def write(self, data: bytes, /) -> None:
        """Compress `data`; a part of the result may be written only with later data."""
        compressed = self._compressor.compress(data)
        if compressed:
            put(self._stream, compressed)

    def flush(self) -> None:
        """Flush the stream below; what the compressor still keeps is not written."""
        flush(self._stream)

    def end(self) -> None:
        """Write the rest and the end of the compressed data, and flush the stream below."""
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
