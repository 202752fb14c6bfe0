from __future__ import annotations

import errno

import pytest

from graphdaemon.errors import OutputClosedError, OutputError
from graphdaemon.output.formats import FORMATS
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import output, records


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.EPIPE, OutputClosedError), (errno.ENOSPC, OutputError)],
    ids=["closed", "full"],
)
def test_output_that_cannot_be_written_is_recognised(
    name: str, number: int, error: type[Exception]
) -> None:
    """A closed pipe and a full disk are two things, whatever the format."""
    if name == "parquet":
        pytest.importorskip("pyarrow")
    stream = output(number)

    def write() -> None:
        with Sink(OutputSpec(name, ("id",)), stream) as sink:
            sink.write(records({"id": "1"}))
            sink.finish()

    with pytest.raises(error):
        write()
    # What is left in the buffer would fail again when the stream is collected.
    stream.detach().raw.close()  # type: ignore[attr-defined]  # the wrapper's buffer has a raw stream


def test_no_output_at_all_is_an_error() -> None:
    """A shell that closed stdout leaves None in its place."""
    with pytest.raises(OutputError, match="no standard output"):
        Sink(OutputSpec(), None)
