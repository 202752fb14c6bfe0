"""Leases: who works at what, and what is known of it, in stores of every kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from graphdaemon.store.lease_holder import LeaseHolder
from graphdaemon.store.leases import (
    LeaseError,
    LeaseKey,
    LeaseOutcome,
    read_leases,
)
from graphdaemon.store.store import Store, open_store
from tests.support.store_fixtures import load_users, row

TENANTS = [("t1", "ana"), ("t2", "ben")]
COLLECTIONS = ["groups", "users"]
NOW = dt.datetime(2026, 11, 1, 8, 0, tzinfo=dt.UTC)
ERROR = LeaseError("secret_expired", "It has expired.", "Make another.")


class Time:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def open_leases(store_url: str, time: Time) -> Iterator[Callable[[str], LeaseHolder]]:
    """LeaseHolder as each of several processes has them: with a connection of its own."""
    with ExitStack() as stack:

        def open_(holder: str) -> LeaseHolder:
            leases = LeaseHolder(stack.enter_context(open_store(store_url)), holder, 60, time)
            leases.enter(TENANTS, COLLECTIONS, 300)
            return leases

        yield open_


@pytest.fixture
def leases(open_leases: Callable[[str], LeaseHolder]) -> LeaseHolder:
    return open_leases("one")


def take(leases: LeaseHolder, *tenants: str) -> list[LeaseKey]:
    return [one.key for one in leases.take(tenants or ("t1", "t2"), COLLECTIONS)]


def keys(tenant: str) -> list[LeaseKey]:
    return [LeaseKey(tenant, name) for name in COLLECTIONS]


def later(seconds: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=seconds)


def test_what_is_new_is_due_at_once_tenant_by_tenant(leases: LeaseHolder) -> None:
    assert take(leases) == keys("t1")
    assert take(leases) == keys("t2")
    assert take(leases) == []


def test_two_processes_never_have_the_same(open_leases: Callable[[str], LeaseHolder]) -> None:
    one, two = open_leases("one"), open_leases("two")

    assert (take(one), take(two)) == (keys("t1"), keys("t2"))
    assert take(one) == take(two) == []


def test_whoever_has_no_file_of_a_tenant_leaves_it_to_others(leases: LeaseHolder) -> None:
    assert take(leases, "t2", "t3") == keys("t2")
    assert take(leases, "t2", "t3") == []
    assert leases.next(["t3"], COLLECTIONS) is None


def test_a_process_that_was_killed_loses_its_leases_in_time(
    open_leases: Callable[[str], LeaseHolder], time: Time
) -> None:
    """Not before: it may only be slow. Then the other one is told, and has them."""
    one, two = open_leases("one"), open_leases("two")
    take(one, "t1")
    time.pass_(59)
    assert take(two, "t1") == []
    assert two.next(["t1"], COLLECTIONS) == 1
    time.pass_(1)
    assert take(two, "t1") == keys("t1")

    assert not one.note(LeaseOutcome(keys("t1")[0], 1, later(300)))
    assert one.renew(["t1"]) == set()


def test_a_process_that_says_so_keeps_its_leases(
    open_leases: Callable[[str], LeaseHolder], time: Time
) -> None:
    one, two = open_leases("one"), open_leases("two")
    take(one, "t1")
    for _ in range(5):
        time.pass_(40)
        assert one.renew(["t1"]) == set(keys("t1"))
        assert one.renew(["t2"]) == set()
    assert take(two, "t1") == []

    one.release()
    assert take(two, "t1") == keys("t1")


def test_a_success_is_due_when_it_was_planned(leases: LeaseHolder, time: Time) -> None:
    for key in take(leases, "t1"):
        assert leases.note(LeaseOutcome(key, 1, later(300)))

    assert leases.next(["t1"], COLLECTIONS) == 300
    time.pass_(299)
    assert take(leases, "t1") == []
    time.pass_(1)
    assert take(leases, "t1") == keys("t1")


def test_a_failure_is_kept_with_its_hint_until_a_success(
    leases: LeaseHolder, store_url: str, time: Time
) -> None:
    groups, users = take(leases, "t1")
    leases.note(LeaseOutcome(users, 1, later(300), 3, left_out=False, error=ERROR))
    leases.note(LeaseOutcome(groups, 1, later(300), 0, left_out=True, error=ERROR))
    with open_store(store_url) as store:
        known = {lease.key: lease for lease in read_leases(store)}

    assert (known[users].failures, known[users].error) == (3, ERROR)
    assert (known[users].succeeded, known[users].left_out) == ("", False)
    assert known[groups].left_out
    assert known[LeaseKey("t2", "users")].failed == ""
    time.pass_(300)
    again = {one.key: one for one in leases.take(["t1"], COLLECTIONS)}
    assert (again[users].failures, again[users].error) == (3, ERROR)
    leases.note(LeaseOutcome(users, None, later(600)))
    with open_store(store_url) as store:
        lease = next(lease for lease in read_leases(store) if lease.key == users)
    assert (lease.failures, lease.error, lease.number) == (0, None, 1)
    assert lease.failed < lease.succeeded


def test_a_clock_that_is_set_back_stops_nothing(leases: LeaseHolder, time: Time) -> None:
    """What was planned in the future that is gone is due, and nobody holds it."""
    take(leases, "t1")
    for key in take(leases, "t2"):
        leases.note(LeaseOutcome(key, 1, later(300)))
    time.pass_(-3_600)

    assert leases.next(["t2"], COLLECTIONS) == 0
    assert take(leases, "t2") == keys("t2")
    assert take(leases, "t1") == keys("t1")


def test_a_shorter_interval_holds_at_once(leases: LeaseHolder) -> None:
    for key in take(leases, "t1"):
        leases.note(LeaseOutcome(key, 1, later(3_000)))
    leases.enter(TENANTS, COLLECTIONS, 60)

    assert leases.next(["t1"], COLLECTIONS) == 60


def test_what_nobody_keeps_in_step_any_more_is_forgotten(
    leases: LeaseHolder, time: Time, store_url: str
) -> None:
    """After a week, or at once if somebody says so; one's own stays however late it is."""
    leases.enter([("t3", "cleo")], COLLECTIONS, 300)
    leases.forget(["t2"])
    time.pass_(8 * 86_400)
    leases.enter([("t1", "ana")], COLLECTIONS, 300)

    with open_store(store_url) as store:
        assert [lease.key for lease in read_leases(store)] == keys("t1")


def test_a_broken_settings_file_is_known_until_it_is_mended(
    leases: LeaseHolder, store_url: str
) -> None:
    leases.note_file("cleo", 300, 2, ERROR)
    with open_store(store_url) as store:
        (lease,) = (lease for lease in read_leases(store) if not lease.collection)
    assert (lease.name, lease.failures, lease.error) == ("cleo", 2, ERROR)
    assert take(leases, "cleo") == []

    leases.mend_files(["cleo"])
    with open_store(store_url) as store:
        assert all(lease.collection for lease in read_leases(store))


def test_rows_and_link_stand_beside_the_lease(store: Store, time: Time) -> None:
    leases = LeaseHolder(store, "one", 60, time)
    leases.enter([("t1", "ana")], ["users"], 300)
    assert read_leases(store)[0].has_link is False
    load_users(store, row("a"), row("b"))
    (users,) = leases.take(["t1"], ["users"])
    leases.note(LeaseOutcome(users.key, 1, later(300)))

    (lease,) = read_leases(store)
    assert (lease.rows, lease.has_link, lease.number, lease.run) == (2, True, 1, 1)


def test_the_database_has_the_time_where_it_has_a_clock(store: Store) -> None:
    """Machines need not agree on it."""
    leases = LeaseHolder(store, "one", 60)

    assert abs(leases.now() - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=60)
    leases.enter(TENANTS, COLLECTIONS, 300)
    assert take(leases) == keys("t1")
