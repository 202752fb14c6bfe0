"""The table of events, and the page that is made of it."""

from __future__ import annotations

import string
from typing import Any

import pytest

from graphdaemon.daemon.events import EVENTS, FIELDS, DaemonEvent, EventKind, make_event, tell_all

FAILED: dict[str, Any] = {
    "tenant": "t",
    "name": "n",
    "collection": "users",
    "code": "c",
    "message": "m",
    "hint": "",
    "failures": 1,
    "due": "",
}


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_an_event_is_described_by_the_fields_that_it_has(kind: EventKind) -> None:
    named = {name for _, name, _, _ in string.Formatter().parse(kind.text) if name}

    assert named <= set(kind.fields) <= FIELDS.keys()
    assert kind.meaning.endswith(".")


def test_every_field_is_one_of_an_event() -> None:
    assert set(FIELDS) == {name for kind in EVENTS.values() for name in kind.fields}


def test_no_field_is_for_what_must_not_be_told() -> None:
    assert not {"link", "token", "secret", "url"} & FIELDS.keys()


def test_everybody_who_listens_is_told_of_the_same_event() -> None:
    first: list[DaemonEvent] = []
    second: list[DaemonEvent] = []
    event = make_event("failed", **dict(reversed(FAILED.items())))

    tell_all(first.append, second.append)(event)

    assert first == second == [event]
    assert list(event.fields) == list(EVENTS["failed"].fields)
    assert event.sentence == "n users: m"


@pytest.mark.parametrize("fields", [{}, {"running": 1, "token": "t"}])
def test_an_event_with_other_fields_than_the_table_says_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="stopping has"):
        make_event("stopping", **fields)


def test_an_event_that_the_table_does_not_know_is_none() -> None:
    with pytest.raises(KeyError):
        make_event("exploded")
