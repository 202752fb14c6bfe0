"""What is forgotten, and what is said of it afterwards."""

import pytest

from graphdaemon.errors import UsageError
from graphdaemon.store.feeds import move_feed
from graphdaemon.store.history import changes_after, known_from, versions_of
from graphdaemon.store.retention import Pruned, prune
from graphdaemon.store.store import Store
from graphdaemon.store.tenant_history import TenantHistory
from tests.support.store_fixtures import load_users, read_as_of, read_documents, row

TIMES = [f"2026-11-01T{hour:02}:00:00.000000Z" for hour in range(8, 13)]


@pytest.fixture
def lived(store: Store) -> Store:
    """A record that was renamed every hour."""
    load_users(store, row("a", displayName="0"))
    for name in "1234":
        with store.change(1, "users", "round") as change:
            change.put([row("a", displayName=name)])
    return store


def test_what_ended_until_a_time_is_forgotten(lived: Store) -> None:
    """What is current stays, and so does everything after that time."""
    assert prune(lived, 1, TIMES[2]) == Pruned(2, 2)

    assert list(read_documents(lived)) == ["a"]
    assert [version.valid_from for version in versions_of(lived, "a")] == TIMES[2:]
    assert [change.sequence for change in changes_after(lived, 1, "users", 0, most=1)] == [3]
    assert [change.sequence for change in changes_after(lived, 1, "users", 0)] == [3, 4]
    assert known_from(lived, 1, "users") == TIMES[2]
    assert read_as_of(lived, TIMES[2]) == [row("a", displayName="2").document]
    with pytest.raises(UsageError, match="since 2026-11-01T10"):
        TenantHistory(lived).check_time("users", TIMES[1], option="--as-of")
    assert prune(lived, 1, TIMES[2]) == Pruned(0, 0)


def test_changes_are_numbered_on_after_all_were_forgotten(lived: Store) -> None:
    """A feed would take a number that it has had for one that it has delivered."""
    prune(lived, 1, "2030-01-01T00:00:00.000000Z")
    assert changes_after(lived, 1, "users", 0) == []
    with lived.change(1, "users", "round") as change:
        change.put([row("b")])

    assert [change.sequence for change in changes_after(lived, 1, "users", 0)] == [5]


def test_what_a_feed_has_not_delivered_is_kept(lived: Store) -> None:
    """With the versions before and after, until the feed is dropped."""
    move_feed(lived, "webhook", 1, "users", 1)
    move_feed(lived, "other", 1, "users", 3)
    prune(lived, 1, "2030-01-01T00:00:00.000000Z")

    changes = changes_after(lived, 1, "users", 0)
    assert [change.sequence for change in changes] == [2, 3, 4]
    assert all(change.before and change.after for change in changes)
    # As the guide says of a feed that nobody reads any more.
    lived.database.execute("DELETE FROM feeds WHERE name = 'webhook'")
    assert prune(lived, 1, "2030-01-01T00:00:00.000000Z") == Pruned(2, 2)


def test_nothing_is_forgotten_before_the_first_run(lived: Store) -> None:
    assert prune(lived, 1, "2020-01-01T00:00:00.000000Z") == Pruned(0, 0)
    assert known_from(lived, 1, "users") == TIMES[0]


def test_a_tenant_forgets_nothing_of_another(lived: Store) -> None:
    """Each has a retention of its own."""
    other = lived.enter_tenant("other", "Other")

    assert prune(lived, other, "2030-01-01T00:00:00.000000Z") == Pruned(0, 0)
    assert len(list(versions_of(lived, "a"))) == 5
