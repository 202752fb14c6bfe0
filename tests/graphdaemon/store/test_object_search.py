"""Objects by ID or name."""

from __future__ import annotations

import pytest

from graphdaemon.store.object_search import ObjectMatch, find_objects
from graphdaemon.store.store import open_store
from tests.support.lived_store import live, user


@pytest.fixture
def url(store_url: str) -> str:
    return live(store_url)


def find(url: str, text: str, most: int = 10, tenant: int = 1) -> list[ObjectMatch]:
    with open_store(url, create=False) as store:
        return find_objects(store, tenant, text, most)


def test_what_is_there_comes_before_what_is_gone(url: str) -> None:
    assert find(url, "c") == [ObjectMatch("users", "c", "Cy", is_current=False)]
    assert [(one.name, one.is_current) for one in find(url, "")] == [
        ("Ana", True),
        ("Bo", True),
        ("Di", True),
        ("Cy", False),
    ]


def test_no_more_than_asked_for(url: str) -> None:
    assert [one.name for one in find(url, "", most=2)] == ["Ana", "Bo"]


def test_what_changed_its_name_is_not_gone_under_the_old_one(url: str) -> None:
    with open_store(url) as store, store.change(1, "users", "round") as change:
        change.put([user("a", "Anna")])

    assert [one.name for one in find(url, "An")] == ["Anna"]
    assert [one.name for one in find(url, "ana")] == []


def test_another_tenants_objects_are_not_found(url: str) -> None:
    assert find(url, "a", tenant=2) == []


@pytest.mark.parametrize(
    ("text", "names"), [("%", ["50% _\\x"]), ("_", ["50% _\\x"]), ("\\", ["50% _\\x"])]
)
def test_signs_of_patterns_are_letters(url: str, text: str, names: list[str]) -> None:
    with open_store(url) as store, store.change(1, "users", "round") as change:
        change.put([user("x", "50% _\\x")])

    assert [one.name for one in find(url, text)] == names
