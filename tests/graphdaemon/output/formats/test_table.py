"""Tables: wide characters, narrow terminals, and names that mean harm."""

from __future__ import annotations

import io
from collections.abc import Mapping

import pytest
from wcwidth import wcswidth

from graphdaemon.output.formats.table import TableWriter
from tests.support.output_records import records


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


def test_table_escapes_control_characters() -> None:
    """A display name cannot colour the terminal, clear it, or turn the writing direction."""
    lines = table(None, ("name",), {"name": "a\x1b[31mb\x07\u202ec\nd"})

    assert lines[2] == r"a\u001b[31mb\u0007\u202ec\u000ad"


def test_table_escapes_the_names_of_columns_too() -> None:
    """They may come from a query that somebody else has written."""
    assert table(None, ("a\x1b[2J",), {"a\x1b[2J": 1})[0] == r"a\u001b[2J"


@pytest.mark.parametrize("blank", ["\u3000", "\u00a0", "\u202f"])
def test_table_keeps_the_blanks_of_names(blank: str) -> None:
    """Japanese names have a wide one between family and given name, French titles a fixed one."""
    assert table(None, ("name",), {"name": f"山田{blank}太郎"})[2] == f"山田{blank}太郎"


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"], ids=["non-joiner", "joiner"])
def test_table_keeps_what_joins_letters(joiner: str) -> None:
    """Persian and Hindi names are written with joiners; they take no cell, and stay."""
    name = f"می{joiner}خواهم"
    lines = table(None, ("name", "id"), {"name": name, "id": "1"})

    assert lines[2] == f"{name}  1"


def test_table_of_nothing_shows_its_head() -> None:
    """An empty table is still a table."""
    assert table(None, ("name", "id")) == ["name  id"]
