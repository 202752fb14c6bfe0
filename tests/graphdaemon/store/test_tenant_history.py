"""A store is read as it is, as it was, and record by record."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from graphdaemon.errors import StoreError, UsageError
from graphdaemon.store.events import tell_versions
from graphdaemon.store.retention import prune
from graphdaemon.store.rows import Row
from graphdaemon.store.store import Store, open_store
from graphdaemon.store.tenant_history import TenantHistory, name_of
from graphdaemon.store.times import format_time
from tests.support.store_fixtures import EARLY, load_users, position, row

HOUR = dt.timedelta(hours=1)
NOW = "9999"


def user(id_: str, **values: object) -> Row:
    return row(id_, **{"displayName": None, "accountEnabled": True} | values)


@pytest.fixture
def lived(store: Store) -> Store:
    """Four runs: at 8, users a, b and c; then a is renamed and b removed; b back; c gone, d new."""
    load_users(store, user("a", displayName="Ana"), user("b"), user("c", accountEnabled=False))
    with store.change(1, "users", "round") as change:
        change.put([user("a", displayName="Anna")])
        change.end(["b"], "removed")
        change.save(position())
    with store.change(1, "users", "round") as change:
        change.put([user("b", displayName="Bo")])
        change.save(position())
    with store.change(1, "users", "comparison") as change:
        change.put([user("d")])
        change.end(["c"], "absent")
        change.save(position())
    return store


def read(history: TenantHistory, at: str, condition: str | None = None) -> dict[str, Any]:
    with history.reading():
        return {
            record.id: json.loads(record.document)["displayName"]
            for records in history.records("users", at, condition)
            for record in records
        }


def after(hours: float) -> str:
    return format_time(EARLY + hours * HOUR)


def test_records_are_as_they_were_at_any_time(lived: Store) -> None:
    """From the moment of a run on, until that of the next."""
    history = TenantHistory(lived)

    assert read(history, after(-1)) == {}
    assert read(history, after(0)) == {"a": "Ana", "b": None, "c": None}
    assert read(history, after(0.9)) == read(history, after(0))
    assert read(history, after(1)) == {"a": "Anna", "c": None}
    assert read(history, after(2)) == {"a": "Anna", "b": "Bo", "c": None}
    assert read(history, after(3)) == read(history, NOW) == {"a": "Anna", "b": "Bo", "d": None}


@pytest.mark.parametrize(
    ("condition", "at", "ids"),
    [
        ("\"displayName\" = 'Anna'", NOW, "a"),
        ("\"displayName\" = 'Anna'", after(0), ""),
        ("\"displayName\" LIKE 'A%'", after(0), "a"),
        ('"displayName" IS NULL', NOW, "d"),
        ("id IN ('a', 'b') OR id = 'd'", NOW, "abd"),
        ("valid_from > '2026-11-01T10:30'", NOW, "d"),
        ("\"displayName\" = ':at %s {at}'", NOW, ""),
    ],
)
def test_a_condition_chooses_by_the_columns_of_the_view(
    lived: Store, condition: str, at: str, ids: str
) -> None:
    assert "".join(read(TenantHistory(lived), at, condition)) == ids


@pytest.mark.parametrize(
    "condition", ["\"jobtitel\" = 'x'", "no_function(id) = 1", "id =", "id = :at"]
)
def test_a_condition_that_the_database_refuses_is_refused_with_its_words(
    lived: Store, condition: str
) -> None:
    with pytest.raises(UsageError, match="--where") as caught:
        read(TenantHistory(lived), NOW, condition)

    assert caught.value.code == "query_invalid"
    assert len(str(caught.value)) > len(f"--where {condition}: ")
    assert read(TenantHistory(lived), NOW), "the store can be read on"


def test_other_tenants_are_not_seen(lived: Store) -> None:
    other = lived.enter_tenant("bbbbbbbb-0000-0000-0000-000000000002", "Fabrikam")
    with lived.change(other, "users", "baseline") as change:
        change.load([user("x", displayName="Xaver")])
        change.save(position())

    fabrikam = TenantHistory(lived, "fabrikam")
    assert read(fabrikam, NOW) == read(fabrikam, NOW, "1 = 1 OR tenant = 1") == {"x": "Xaver"}
    assert TenantHistory(lived, "AAAAAAAA-0000-0000-0000-000000000001").tenant.name == "Contoso"
    assert fabrikam.versions("a") == []
    with pytest.raises(UsageError, match="contains 2 tenants") as caught:
        TenantHistory(lived)
    assert "Contoso" in str(caught.value.hint)
    with pytest.raises(UsageError, match="does not contain a tenant Tailspin"):
        TenantHistory(lived, "Tailspin")


def test_what_differs_between_two_times_is_told_once(lived: Store) -> None:
    """Whatever happened in between: who went and came back as before is no difference."""
    history = TenantHistory(lived)

    def differ(since: str, until: str = NOW) -> dict[str, Any]:
        with history.reading():
            return {
                one.id: (one.before and one.before != one.after, one.after is not None, one.ending)
                for one in history.differences("users", since, until)
            }

    assert differ(after(0)) == {
        "a": (True, True, ""),
        "b": (True, True, ""),
        "c": (True, False, "absent"),
        "d": (None, True, ""),
    }
    assert differ(after(0), after(1)) == {"a": (True, True, ""), "b": (True, False, "removed")}
    assert differ(after(1), after(2)) == {"b": (None, True, "")}
    assert differ(after(3)) == differ(NOW) == {}
    with lived.change(1, "users", "round") as change:
        change.put([user("a", displayName="Ana")])
        change.save(position())
    assert "a" not in differ(after(0))


def test_versions_of_a_record_stand_in_their_order(lived: Store) -> None:
    versions = TenantHistory(lived).versions("b")

    assert [(one.valid_from, one.valid_to, one.ending) for one in versions] == [
        (after(0), after(1), "removed"),
        (after(2), None, None),
    ]
    assert {one.collection for one in versions} == {"users"}
    assert TenantHistory(lived).versions("nobody") == []


def test_a_time_that_the_store_knows_nothing_of_is_refused(lived: Store) -> None:
    history = TenantHistory(lived, now=lambda: EARLY + 5 * HOUR)

    history.check_time("users", after(0), option="--as-of")
    with pytest.raises(UsageError, match=r"contains users only since 2026-11-01T08:00Z"):
        history.check_time("users", after(-1), option="--as-of")
    with pytest.raises(UsageError, match="is in the future"):
        history.check_time("users", after(6), option="--as-of")
    with pytest.raises(UsageError, match="does not contain groups of Contoso") as caught:
        history.check_time("groups", after(0), option="--as-of")
    assert "It contains users" in str(caught.value.hint)


def test_what_was_forgotten_is_not_shown_as_if_it_had_never_been(lived: Store) -> None:
    prune(lived, 1, after(2))
    history = TenantHistory(lived, now=lambda: EARLY + 5 * HOUR)

    history.check_time("users", after(2), option="--as-of")
    assert read(history, after(2)) == {"a": "Anna", "b": "Bo", "c": None}
    with pytest.raises(UsageError, match=r"contains users only since 2026-11-01T10:00Z"):
        history.check_time("users", after(1.9), option="--as-of")
    (event,) = tell_versions(history.versions("a"), history.known_from)
    assert event.what == "known"


def test_names_are_those_that_people_use(lived: Store) -> None:
    """The last one an object had; of an edge those of both ends."""
    with lived.change(1, "groups/members", "baseline") as change:
        change.load([Row("g/a", b'{"parent":"g","child":"a","kind":"user"}')])
        change.save(position())
    history = TenantHistory(lived)

    assert history.name("a") == "Anna"
    assert history.name("c") == history.name("nobody") == ""
    assert history.name("g/a") == "g: Anna"
    assert history.collections() == ["users", "groups/members"]
    assert history.properties("users") == ("id", "displayName")
    assert history.properties("groups/members") == ("parent", "child", "kind")
    assert name_of(b'{"displayName":null,"userPrincipalName":"x@y"}') == "x@y"


def test_reading_sees_one_state(
    lived: Store, store_url: str, clock: Callable[[], dt.datetime]
) -> None:
    """What is synced meanwhile waits for nobody and shows later."""
    history = TenantHistory(lived)
    with history.reading():
        with (
            open_store(store_url, now=clock) as writer,
            writer.change(1, "users", "round") as change,
        ):
            change.put([user("e")])
            change.save(position())
        names = {one.id for batch in history.records("users", NOW) for one in batch}

    assert names == {"a", "b", "d"}
    assert set(read(history, NOW)) == {"a", "b", "d", "e"}
    with lived.change(1, "users", "round") as change:
        change.end(["e"], "deleted")
        change.save(position())


def test_who_reads_cannot_write(lived: Store) -> None:
    """Whatever stands in a condition."""
    with TenantHistory(lived).reading(), pytest.raises(StoreError):
        lived.database.execute("DELETE FROM users_records")

    with lived.change(1, "users", "round") as change:
        change.end(["a"], "deleted")
        change.save(position())
    assert set(read(TenantHistory(lived), NOW)) == {"b", "d"}


def test_an_empty_store_says_so(tmp_path: Any) -> None:
    with open_store(f"sqlite:{tmp_path}/empty.db") as store, pytest.raises(UsageError) as caught:
        TenantHistory(store)

    assert "is empty" in str(caught.value)


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (b'{"displayName":"Ana","userPrincipalName":"ana@x"}', "Ana"),
        (b'{"displayName":null,"userPrincipalName":"ana@x"}', "ana@x"),
        (b'{"principalDisplayName":"App"}', "App"),
        (b'{"displayName":7}', ""),
        (b"{}", ""),
    ],
)
def test_a_name_is_what_people_call_it(document: bytes, name: str) -> None:
    """The display name, or else the name of sign-in."""
    assert name_of(document) == name


def test_a_tenant_whose_name_is_its_id_is_named_once(lived: Store) -> None:
    """As it is for an app that may not read the organization."""
    lived.enter_tenant(
        "bbbbbbbb-0000-0000-0000-000000000002", "bbbbbbbb-0000-0000-0000-000000000002"
    )

    with pytest.raises(UsageError) as caught:
        TenantHistory(lived, "Tailspin")

    assert str(caught.value.hint).endswith(" (Contoso), bbbbbbbb-0000-0000-0000-000000000002.")
