"""How the tenants of a store are, as `graphdaemon status`, metrics and page show it."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from graphdaemon.daemon.status import CollectionStatus, StoreStatus, read_status
from graphdaemon.store.lease_holder import LeaseHolder
from graphdaemon.store.leases import LeaseOutcome
from graphdaemon.store.store import open_store
from tests.support.lived_store import live
from tests.support.watched_store import BROKEN, CONTOSO, HOUR_S, NOW, THROTTLED, watch


@pytest.fixture
def report(store_url: str) -> StoreStatus:
    """Of the watched store, half an hour after its last run."""
    return read(watch(store_url))


def read(url: str, now: dt.datetime = NOW, max_age: float | None = None) -> StoreStatus:
    with open_store(url, create=False) as store:
        return read_status(store, now, max_age)


def collection(report: StoreStatus, name: str, tenant: str = "contoso") -> CollectionStatus:
    (found,) = (
        one
        for row in report.tenants
        if row.name == tenant
        for one in row.collections
        if one.collection == name
    )
    return found


def test_what_is_in_step_is_as_old_as_the_last_time_that_nothing_was_missing(
    report: StoreStatus,
) -> None:
    users = collection(report, "users")
    assert (users.state, users.rows, users.failures, users.error) == ("fresh", 3, 0, None)
    # Its last round was at 12 o'clock; the daemon found nothing new at ten past one.
    assert users.succeeded == "2026-11-01T13:10:00.000000Z"
    assert users.age == 20 * 60
    # The link is that of the last round.
    assert users.link_age == 90 * 60
    assert users.next == "2026-11-01T14:10:00.000000Z"


def test_what_fails_says_why_and_how_often_and_is_late_only_when_it_is_old(
    report: StoreStatus,
) -> None:
    members = collection(report, "groups/members")
    assert (members.state, members.failures) == ("failing", 3)
    assert members.error == THROTTLED
    assert members.failed == "2026-11-01T13:10:00.000000Z"


def test_what_the_app_may_not_read_and_nobody_named_is_no_trouble(report: StoreStatus) -> None:
    devices = collection(report, "devices")
    assert (devices.state, devices.is_bad, devices.succeeded) == ("left_out", False, "")


def test_tenants_that_were_never_in_step_come_first_and_the_store_is_not_in_step(
    report: StoreStatus,
) -> None:
    assert [(tenant.name, tenant.is_bad) for tenant in report.tenants] == [
        ("fabrikam", True),
        ("tailspin", True),
        ("contoso", False),
    ]
    assert not report.in_step
    assert collection(report, "users", "fabrikam").state == "never"
    assert report.tenants[1].error == BROKEN
    assert report.tenants[1].collections == []


def test_ends_of_credentials_are_told_in_days_where_they_are_known(report: StoreStatus) -> None:
    rows = {tenant.name: tenant.credentials for tenant in report.tenants}
    assert [(one.kind, one.days, one.is_ending) for one in rows["contoso"]] == [
        ("certificate", 400, False),
        ("secret", 12, True),
    ]
    assert [(one.days, one.is_ending) for one in rows["fabrikam"]] == [(None, False)]
    assert rows["tailspin"] == []


@pytest.mark.parametrize(
    ("hours", "max_age", "state"),
    [
        (2.0, None, "fresh"),
        (3.0, None, "late"),
        (0.0, 19 * 60, "late"),
        (0.0, 20 * 60, "fresh"),
        (9.0, 10 * HOUR_S, "fresh"),
    ],
)
def test_late_is_what_is_older_than_three_intervals_or_as_old_as_was_said(
    lived_url: str, hours: float, max_age: float | None, state: str
) -> None:
    with open_store(lived_url) as store:
        leases = LeaseHolder(store, "here/1", 60, lambda: NOW - dt.timedelta(minutes=20))
        leases.enter([(CONTOSO, "contoso")], ["users"], HOUR_S)
        (taken,) = leases.take([CONTOSO], ["users"])
        note = dt.datetime(2026, 11, 1, 14, 10, tzinfo=dt.UTC)
        leases.note(LeaseOutcome(taken.key, 1, note))

    report = read(lived_url, NOW + dt.timedelta(hours=hours), max_age)
    assert collection(report, "users").state == state


def test_a_store_without_a_daemon_shows_what_the_command_has_synced(store_url: str) -> None:
    """Nothing says how old it may be but the caller."""
    live(store_url)

    report = read(store_url)
    assert report.in_step
    (tenant,) = report.tenants
    assert (tenant.name, tenant.tenant, tenant.number) == ("Contoso", CONTOSO, 1)
    assert [(one.collection, one.state, one.next) for one in tenant.collections] == [
        ("groups/members", "fresh", ""),
        ("users", "fresh", ""),
    ]
    assert not read(store_url, max_age=60).in_step


def test_an_empty_store_is_not_in_step(store_url: str) -> None:
    open_store(store_url).close()

    report = read(store_url)
    assert (report.in_step, report.tenants) == (False, [])


def test_a_clock_behind_that_of_the_writer_makes_nothing_older_than_now(lived_url: str) -> None:
    report = read(lived_url, NOW - dt.timedelta(days=1))
    assert {one.age for one in report.tenants[0].collections} == {0.0}


def test_a_daemon_that_works_at_something_is_named_while_its_lease_lasts(lived_url: str) -> None:
    with open_store(lived_url) as store:
        leases = LeaseHolder(store, "here/1", 60, lambda: NOW)
        leases.enter([(CONTOSO, "contoso")], ["users"], HOUR_S)
        leases.take([CONTOSO], ["users"])

    assert collection(read(lived_url), "users").working == "here/1"
    later = NOW + dt.timedelta(minutes=2)
    assert collection(read(lived_url, later), "users").working == ""


def test_json_is_indented_and_ends_with_a_line_break(report: StoreStatus) -> None:
    text = report.to_json()
    assert text.startswith(b'{\n  "store":')
    assert text.endswith(b"}\n")
    assert json.loads(text)["tenants"][2]["collections"][0]["collection"] == "devices"
