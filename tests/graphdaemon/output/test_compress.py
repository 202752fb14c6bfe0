from __future__ import annotations

import gzip
import io
import random

import pytest

from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import COLUMNS, ROWS, records, written


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_output_is_the_output_compressed(compression: str) -> None:
    """And the same bytes each time, so that two dumps can be compared."""
    decompress = gzip.decompress
    if compression == "zstd":
        decompress = pytest.importorskip("backports.zstd").decompress
    spec = OutputSpec("csv", COLUMNS, compress=compression)

    assert decompress(written(spec, *ROWS)) == written(OutputSpec("csv", COLUMNS), *ROWS)
    assert written(spec, *ROWS) == written(spec, *ROWS)


def test_compressed_output_that_was_cut_short_cannot_be_read() -> None:
    """gzip says so itself."""
    stream = io.BytesIO()
    stdout = io.TextIOWrapper(stream)
    with Sink(OutputSpec("ndjson", compress="gzip"), stdout) as sink:
        rows = ({"id": random.Random(n).randbytes(40).hex()} for n in range(5000))
        sink.write(records(*rows))
    stdout.flush()

    assert stream.getvalue()
    with pytest.raises(EOFError):
        gzip.decompress(stream.getvalue())
