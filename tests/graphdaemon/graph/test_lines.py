"""The records of a page as lines of one text are a sequence like another."""

from __future__ import annotations

import pytest

from graphdaemon.graph.lines import Lines
from graphdaemon.graph.page import read_page
from tests.support.graph_answers import answer

TEXT = b'{"id":"1"}\n2\n"three"\n'


def test_it_has_what_a_list_of_the_records_has() -> None:
    """From the beginning, from the end, and in part."""
    lines = Lines(TEXT, [11, 13, 21])
    records = [b'{"id":"1"}', b"2", b'"three"']

    assert len(lines) == 3
    assert [*map(bytes, lines)] == records
    assert [bytes(lines[at]) for at in (0, 1, 2, -1, -3)] == [*records, records[-1], records[0]]
    assert [*map(bytes, lines[1:])] == records[1:]
    assert [*map(bytes, lines[::-2])] == records[::-2]
    with pytest.raises(IndexError):
        lines[3]


def test_there_may_be_none() -> None:
    """As on an empty page."""
    assert not Lines(b"", [])


@pytest.mark.parametrize("body", [b'{"value":[{"a":\n1},2]}', b'{"value":[{"a":\r1},2]}'])
def test_a_record_of_several_lines_is_no_line(body: bytes) -> None:
    """A page of such is a list of records, whatever has read it."""
    records = read_page(answer(body), "https://graph.test/users").records

    assert not isinstance(records, Lines)
    assert [bytes(one) for one in records] == [body[10:-4], b"2"]
