import io

import msgspec
import pytest

from graphdaemon.graph.lines import Lines
from graphdaemon.output.formats.ndjson import NdjsonWriter, join_lines


def test_ndjson_is_the_bytes_received() -> None:
    """One record a line, not a byte changed."""
    stream = io.BytesIO()
    writer = NdjsonWriter(stream)

    writer.write([msgspec.Raw(b'{"b": 1.0}'), msgspec.Raw(b'{"a":"\\u00e9"}')])
    writer.write([])
    writer.finish()

    assert stream.getvalue() == b'{"b": 1.0}\n{"a":"\\u00e9"}\n'


@pytest.mark.parametrize("sign", ["\n", "\r\n", "\r"])
def test_ndjson_is_one_line_a_record_even_where_the_service_indents(sign: str) -> None:
    """An API of one's own may send line breaks between tokens: a line is still a record."""
    stream = io.BytesIO()
    writer = NdjsonWriter(stream)

    writer.write(
        [msgspec.Raw(f'{{{sign}  "b": [1.0,{sign} 1e400]{sign}}}'.encode()), msgspec.Raw(b"{ }")]
    )

    assert stream.getvalue() == b'{"b":[1.0,1e400]}\n{}\n'


def test_the_lines_of_a_page_are_written_as_they_are() -> None:
    """What would be written of the same records in a list."""
    stream = io.BytesIO()
    page = Lines(b'{"b": 1.0}\n{}\n', [11, 14])

    NdjsonWriter(stream).write(page)

    assert stream.getvalue() == page.text == join_lines([*page])
