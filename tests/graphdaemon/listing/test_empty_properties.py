"""Properties that have a value nowhere."""

from __future__ import annotations

from graphdaemon.listing.empty_properties import EmptyProperties
from tests.support.graph_answers import raw


def test_what_is_null_everywhere_is_named() -> None:
    """One value anywhere in what is looked at is enough."""
    empty = EmptyProperties(("a", "b", "c"))
    empty.look([raw({"a": None, "b": None})] * 300)
    empty.look([raw({"a": None, "b": 1})])

    assert empty.names() == ["a", "c"]
    assert EmptyProperties(()).names() == []


def test_without_a_selection_the_first_records_name_the_properties() -> None:
    """Annotations are none."""
    empty = EmptyProperties(())
    empty.look([raw({"@odata.type": None, "a": None, "b": 2})])

    assert empty.names() == ["a"]


def test_of_later_pages_four_records_are_looked_at() -> None:
    """To decode all of them would cost more than reading the pages."""
    first = [raw({"a": None, "b": None})]
    page = [raw({"a": 1 if at == 26 else None, "b": 1 if at == 27 else None}) for at in range(100)]
    empty = EmptyProperties(("a", "b"))
    empty.look(first)

    empty.look(page)

    assert empty.names() == ["b"]


def test_of_the_first_page_two_hundred_records_are_looked_at() -> None:
    """They rule nearly every property out."""
    empty = EmptyProperties(("a", "b"))

    empty.look([raw({"a": at == 199 or None, "b": at == 200 or None}) for at in range(300)])

    assert empty.names() == ["b"]
