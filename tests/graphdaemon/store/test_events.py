"""What became of a record, as events."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

from graphdaemon.store.events import (
    Happening,
    PropertyChange,
    RecordEvent,
    compare_documents,
    tell_difference,
    tell_versions,
)
from graphdaemon.store.history import Version
from graphdaemon.store.tenant_history import Difference
from tests.support.places import DOCS


def document(**values: object) -> bytes:
    return json.dumps(values).encode()


def tell(*versions: tuple[Any, ...], begins: str = "1") -> list[RecordEvent]:
    made = [
        Version(1, "users", "x", since, until, ending, document(displayName=name))
        for name, since, until, ending in versions
    ]
    return list(tell_versions(made, lambda _: begins))


def test_a_life_is_told_from_the_first_listing_on() -> None:
    events = tell(
        ("Ana", "1", "2", "updated"),
        ("Anna", "2", "3", "removed"),
        ("Anna", "4", "5", "deleted"),
        ("Anna", "6", None, None),
    )

    assert [(event.at, event.what, event.name) for event in events] == [
        ("1", "known", "Ana"),
        ("2", "updated", "Anna"),
        ("3", "removed", "Anna"),
        ("4", "restored", "Anna"),
        ("5", "deleted", "Anna"),
        ("6", "created", "Anna"),
    ]
    assert events[1].changed == {"displayName": PropertyChange("Ana", "Anna")}
    assert [event.document is None for event in events] == [False, False, True, False, True, False]


def test_who_came_after_the_first_listing_was_created() -> None:
    (event,) = tell(("Ana", "2", None, None))

    assert event.what == "created"


def test_the_same_id_in_two_collections_has_two_lives() -> None:
    versions = [
        Version(1, "users", "x", "1", "2", "removed", document(displayName="Ana")),
        Version(1, "devices", "x", "3", None, None, document(displayName="Laptop")),
    ]
    events = tell_versions(versions, lambda _: "1")

    assert [(event.collection, event.what) for event in events] == [
        ("users", "known"),
        ("users", "removed"),
        ("devices", "created"),
    ]


def test_a_difference_is_one_event() -> None:
    before, after = document(displayName="Ana", city="Bonn"), document(displayName="Anna")
    told = [
        tell_difference("users", difference)
        for difference in (
            Difference("x", None, after, "2", ""),
            Difference("x", before, after, "2", ""),
            Difference("x", before, None, "2", "deleted"),
        )
    ]

    assert [(event.what, event.name) for event in told] == [
        ("created", "Anna"),
        ("updated", "Anna"),
        ("deleted", "Ana"),
    ]
    assert told[1].changed.keys() == {"displayName", "city"}
    assert told[1].changed["city"] == PropertyChange("Bonn", None)


def test_lists_are_compared_without_their_order() -> None:
    one = document(phones=["1", "2"], plans=[{"a": 1, "b": 2}], name="x")
    other = document(phones=["2", "1"], plans=[{"b": 2, "a": 1}], name="y")

    assert compare_documents(one, other).keys() == {"name"}


def test_a_number_that_python_cannot_hold_is_shown_as_it_is_written() -> None:
    changed = compare_documents(b'{"a":1e400,"b":1}', b'{"a":1e500,"b":1}')

    assert changed == {"a": PropertyChange("1e400", "1e500")}


def test_the_page_of_output_has_every_member_and_every_word() -> None:
    text = (DOCS / "reference" / "output.md").read_text("utf-8").partition("`history` write")[2]
    rows = re.findall(r"^\| `(\w+)`", text, re.MULTILINE)
    kinds, known = get_args(Happening)

    assert rows[: len(RecordEvent._fields)] == list(RecordEvent._fields)
    assert set(rows[len(RecordEvent._fields) :]) == {*get_args(kinds), *get_args(known)}
