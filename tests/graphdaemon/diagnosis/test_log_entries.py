"""A pasted text is split into messages, each with the lines that belong to it."""

import pytest

from graphdaemon.diagnosis.log_entries import is_dated, split_entries

CHAIN = """\
Traceback (most recent call last):
  File "a.py", line 1
OSError: y

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2
ValueError: w"""


def entries_of(text: str) -> list[str]:
    return [text[begin:end].strip() for begin, end in split_entries(text)]


def test_each_line_is_an_entry() -> None:
    """Unless it goes on with what a line before began."""
    assert entries_of("one\ntwo\n\nthree") == ["one", "two", "three"]


@pytest.mark.parametrize(
    "entry",
    [
        '{\n"error": {\n"code": "x"\n}\n}',
        "first\n  second, indented\n\tthird",
        CHAIN,
        'HTTP/1.1 403 Forbidden\nServer: x\n\n{\n"error": 1\n}',
        "HTTP/1.1 403 Forbidden\nServer: x\n\n<html>\n<p>no\n</p>\n</html>",
        "Error: one\n ---> Inner: two\n   at Some.Method()",
    ],
    ids=["json", "indented", "chain of exceptions", "answer", "page", "stack of .NET"],
)
def test_what_belongs_together_is_one_entry(entry: str) -> None:
    """And what follows it is another."""
    assert entries_of(f"before\n{entry}\nafter") == ["before", entry, "after"]


@pytest.mark.parametrize(
    "head",
    [
        "2026-03-01 09:15:02,407 ERROR x",
        "[2026-03-01T09:15:02Z] x",
        "Mar  1 09:15:02 h x",
        "ERROR x",
    ],
)
def test_a_time_or_level_begins_an_entry(head: str) -> None:
    """Even where brackets or a page were left open before."""
    assert is_dated(head)
    assert entries_of(f'{{"a": [\n"b",\n{head}') == ['{"a": [\n"b",', head]
    assert entries_of(f"<html>\nx\n{head}") == ["<html>\nx", head]


def test_brackets_of_prose_open_nothing() -> None:
    """The token service's own texts hold some that are never closed."""
    assert entries_of("AADSTS700027: [Reason - The key\nnext") == [
        "AADSTS700027: [Reason - The key",
        "next",
    ]


def test_an_entry_has_an_end() -> None:
    """What never closes its brackets does not swallow a whole log."""
    assert entries_of("{\n" + "x\n" * 9000)[-1] == "x"


def test_nothing_has_no_entries_that_hold_something() -> None:
    """An empty text, and blank lines."""
    assert [entry for entry in entries_of("") + entries_of("\n\n") if entry] == []
