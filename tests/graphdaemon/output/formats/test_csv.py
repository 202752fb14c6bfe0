"""CSV: whatever Python's own reader and a spreadsheet make of it."""

from __future__ import annotations

import csv
import io
import json
import re

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphdaemon.output.formats.csv import CsvWriter
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import records, scalars, texts, values, written

COLUMNS = ("displayName", "mail", "id")
FORMULA_SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


def expected(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_a_head_and_a_line_for_each_record_ending_in_crlf() -> None:
    """RFC 4180 to the letter, columns in the order they were asked for."""
    data = written(
        OutputSpec("csv", COLUMNS),
        {"id": "1", "mail": None, "displayName": 'Ana "A", B'},
        {"id": "2", "other": 1},
    )

    assert data == b'displayName,mail,id\r\n"Ana ""A"", B",,1\r\n,,2\r\n'


def test_nothing_and_an_empty_text_differ() -> None:
    """Who reads CSV as PostgreSQL does can tell null from an empty text."""
    assert written(OutputSpec("csv", ("a", "b")), {"a": None, "b": ""}) == b'a,b\r\n,""\r\n'


def test_a_lone_null_is_no_empty_line() -> None:
    """One column of nothing is still a record: readers skip empty lines."""
    assert read(written(OutputSpec("csv", ("mail",)), {"mail": None}, {"mail": None})) == [
        ["mail"],
        [""],
        [""],
    ]


def test_a_column_named_twice_is_there_once() -> None:
    """--select a,b,a."""
    assert written(OutputSpec("csv", ("a", "b", "a")), {"a": 1, "b": 2}) == b"a,b\r\n1,2\r\n"


def test_no_records_are_a_head() -> None:
    """A program that reads it finds its columns."""
    assert written(OutputSpec("csv", COLUMNS)) == b"displayName,mail,id\r\n"


def test_nested_values_are_json() -> None:
    """A list and an object are the JSON they are, without blanks."""
    data = written(OutputSpec("csv", ("a",)), {"a": ["x", {"k": 1.50}]}, {"a": {}})

    assert read(data)[1:] == [['["x",{"k":1.5}]'], ["{}"]]


def test_numbers_are_as_graph_sent_them() -> None:
    """Neither a long number nor one written oddly is put through a float."""
    row = msgspec.Raw(b'{"a": 12345678901234567890123, "b": 1.10, "c": -1e400}')

    stream = io.BytesIO()

    CsvWriter(stream, ("a", "b", "c")).write([row])

    assert stream.getvalue() == b"a,b,c\r\n12345678901234567890123,1.10,-1e400\r\n"


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, values)), max_size=5))
def test_python_reads_back_what_was_written(rows: list[dict[str, object]]) -> None:
    """For any Unicode and any nesting, with cells left raw."""
    rows = json.loads(json.dumps(rows))
    data = written(OutputSpec("csv", COLUMNS, raw_cells=True), *rows)

    wanted = [[expected(row[name]) for name in COLUMNS] for row in rows]
    # Two ways to write the same float are the same number.
    assert [list(map(canonical, row)) for row in read(data)[1:]] == [
        list(map(canonical, row)) for row in wanted
    ]


def canonical(cell: str) -> object:
    try:
        return json.loads(cell)
    except ValueError:
        return cell


@given(st.lists(st.tuples(texts | st.text("'=+-@\t\r\n;, \"ab", max_size=6), scalars), max_size=5))
@example([('=HYPERLINK("http://evil")', -1), ("'=1", "@x"), ("+49 30 1", True), ("\uff1d1", None)])
def test_no_cell_is_a_formula_and_every_text_can_be_had_back(
    rows: list[tuple[str, object]],
) -> None:
    """Only texts get an apostrophe, and taking one off where one was put gives the text again."""
    cells = read(written(OutputSpec("csv", ("a", "b")), *({"a": a, "b": b} for a, b in rows)))[1:]

    for (a, b), (cell_a, cell_b) in zip(rows, cells, strict=True):
        assert cell_a[:1] not in tuple(FORMULA_SIGNS)
        assert unguarded(cell_a) == a
        if isinstance(b, str):
            assert unguarded(cell_b) == b
        elif b is not None:
            assert json.loads(cell_b) == b


def unguarded(cell: str) -> str:
    return cell[1:] if re.match(rf"'+[{re.escape(FORMULA_SIGNS)}]", cell) else cell


@pytest.mark.parametrize("text", ["a;=1+1", "a\t=1+1"])
def test_a_sign_that_splits_cells_elsewhere_is_quoted(text: str) -> None:
    """Where a spreadsheet's locale separates by semicolon, a name is still one cell."""
    assert written(OutputSpec("csv", ("a",)), {"a": text}) == f'a\r\n"{text}"\r\n'.encode()


def test_a_byte_order_mark_on_request() -> None:
    """Excel takes UTF-8 for Windows' code page without it."""
    assert (
        written(OutputSpec("csv", ("a",), bom=True), {"a": "é"}) == b"\xef\xbb\xbfa\r\n\xc3\xa9\r\n"
    )


def test_bytes_that_are_no_utf8_do_no_harm() -> None:
    """What a proxy mangled shows as the replacement character, not as a traceback."""
    stream = io.BytesIO()

    CsvWriter(stream, ("a",)).write([msgspec.Raw(b'{"a": "x\xff"}')])

    assert stream.getvalue().decode() == "a\r\nx\ufffd\r\n"


@given(
    st.lists(
        st.lists(
            st.fixed_dictionaries(
                {"id": texts},
                optional={"a": texts | scalars, "b": values, "c": st.text("'=a;", max_size=3)},
            ),
            max_size=4,
        ),
        max_size=4,
    ),
    st.booleans(),
)
def test_a_page_is_what_the_rules_make_of_its_cells_one_by_one(
    pages: list[list[dict[str, object]]], raw: bool
) -> None:
    """However records are divided into pages, and whatever kinds of values follow each other."""
    columns = ("id", "a", "b", "c")
    pages = json.loads(json.dumps(pages))
    together = io.BytesIO()
    writer = CsvWriter(together, columns, raw_cells=raw)
    lines = [",".join(columns)]
    for page in pages:
        writer.write(records(*page))
        lines += [",".join(one_cell(row.get(name), raw=raw) for name in columns) for row in page]
    writer.finish()

    assert together.getvalue().decode() == "".join(f"{line}\r\n" for line in lines)


def one_cell(value: object, *, raw: bool) -> str:
    """A cell by the rules of the page about output, one after the other."""
    if value is None:
        return ""
    text = expected(value)
    if not isinstance(value, str | list | dict):
        return text
    if text.lstrip("'")[:1] in tuple(FORMULA_SIGNS) and text and not raw:
        text = f"'{text}"
    is_quoted = not text or any(sign in text for sign in '",;\t\r\n')
    return '"' + text.replace('"', '""') + '"' if is_quoted else text
