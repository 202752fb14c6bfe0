"""Output: the formats, flat memory, wide characters, and names that mean harm."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Mapping
from typing import TextIO

import msgspec
import pytest
from wcwidth import wcswidth

from graphdaemon.errors import OutputClosedError, OutputError
from graphdaemon.output import FORMATS, JsonWriter, NdjsonWriter, TableWriter, open_writer


def records(*values: object) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(value, ensure_ascii=False).encode()) for value in values]


def test_json_is_one_object_with_value() -> None:
    """The sample's shape and indentation, whatever the pages were."""
    stream = io.BytesIO()
    writer = JsonWriter(stream)
    users = [{"id": "1", "tags": ["a"], "name": "Ana\nB"}, {"id": "2", "phones": []}, {"id": "3"}]

    writer.write(records(*users[:2]))
    writer.write([])
    writer.write(records(users[2]))
    writer.finish()

    assert stream.getvalue().decode() == json.dumps({"value": users}, indent=2) + "\n"


def test_json_of_nothing_is_an_empty_value() -> None:
    """No users is an answer too."""
    stream = io.BytesIO()
    JsonWriter(stream).finish()

    assert json.loads(stream.getvalue()) == {"value": []}


def test_json_that_was_cut_short_cannot_be_read() -> None:
    """A listing that failed leaves no document that looks whole."""
    stream = io.BytesIO()
    JsonWriter(stream).write(records({"id": "1"}))

    with pytest.raises(json.JSONDecodeError):
        json.loads(stream.getvalue())


def test_ndjson_is_the_bytes_received() -> None:
    """One record a line, not a byte changed."""
    stream = io.BytesIO()
    writer = NdjsonWriter(stream)

    writer.write([msgspec.Raw(b'{"b": 1.0}'), msgspec.Raw(b'{"a":"\\u00e9"}')])
    writer.write([])
    writer.finish()

    assert stream.getvalue() == b'{"b": 1.0}\n{"a":"\\u00e9"}\n'


def table(width: int | None, columns: tuple[str, ...], *rows: Mapping[str, object]) -> list[str]:
    stream = io.BytesIO()
    writer = TableWriter(stream, columns, width)
    writer.write(records(*rows))
    writer.finish()
    return stream.getvalue().decode().splitlines()


def test_table_aligns_wide_characters() -> None:
    """A Chinese character takes two cells, a combining accent none."""
    lines = table(
        None, ("name", "id"), {"name": "王小明", "id": "1"}, {"name": "Ane\u0301", "id": "2"}
    )

    assert {wcswidth(line.rpartition(" ")[0]) for line in lines[2:]} == {7}


@pytest.mark.parametrize("width", [20, 37, 80])
def test_table_is_cut_to_the_terminal(width: int) -> None:
    """No line is wider than the terminal; what is cut ends in an ellipsis."""
    row = {"name": "王" * 30, "mail": "a" * 60, "id": "0" * 36}

    lines = table(width, ("name", "mail", "id"), row)

    assert max(wcswidth(line) for line in lines) <= width
    assert lines[2].count("…") >= 2


def test_table_shows_nothing_for_null_and_json_for_the_nested() -> None:
    """null is empty, a list of texts is joined, anything else is JSON."""
    lines = table(
        None, ("a", "b", "c", "d"), {"a": None, "b": ["x", "y"], "c": {"k": 1}, "d": True}
    )

    assert lines[2].split() == ["x,", "y", '{"k":1}', "true"]


def test_table_neutralises_control_characters() -> None:
    """A display name cannot colour the terminal, clear it, or turn the writing direction."""
    lines = table(None, ("name",), {"name": "a\x1b[31mb\x07\u202ec\nd"})

    assert lines[2] == "a\ufffd[31mb\ufffd\ufffdc\ufffdd"


def test_table_of_nothing_shows_its_head() -> None:
    """An empty table is still a table."""
    assert table(None, ("name", "id")) == ["name  id"]


class _Broken(io.RawIOBase):
    """A stream that fails as a pipe or a disk does."""

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(self._number, os.strerror(self._number))


def output(number: int) -> TextIO:
    # A buffer of one byte: every write reaches the stream at once.
    return io.TextIOWrapper(io.BufferedWriter(_Broken(number), 1))


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
    stream = output(number)
    writer = open_writer(name, stream, ("id",))

    with pytest.raises(error):
        writer.write(records({"id": "1"}))
    # What is left in the buffer would fail again when the stream is collected.
    stream.detach().raw.close()  # type: ignore[attr-defined]  # the wrapper's buffer has a raw stream


def test_no_output_at_all_is_an_error() -> None:
    """A shell that closed stdout leaves None in its place."""
    with pytest.raises(OutputError, match="no standard output"):
        open_writer("json", None, ("id",))
