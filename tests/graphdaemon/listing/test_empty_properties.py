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
