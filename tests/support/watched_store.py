"""A store that daemons keep in step, with a tenant for each state that one can be in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from graphdaemon.store.credential_ends import CredentialEnd, note_credential_ends
from graphdaemon.store.lease_holder import LeaseHolder
from graphdaemon.store.leases import LeaseError, LeaseOutcome
from graphdaemon.store.store import Store, open_store
from graphdaemon.store.times import format_time
from tests.support.lived_store import MEMBERS, USERS, live, member, user
from tests.support.store_fixtures import SteppingClock

CONTOSO = "aaaaaaaa-0000-0000-0000-000000000001"
TAILSPIN = "bbbbbbbb-0000-0000-0000-000000000002"
NOW = dt.datetime(2026, 11, 1, 13, 30, tzinfo=dt.UTC)
"""When it is looked at: half an hour after the last run."""

THROTTLED = LeaseError("throttled", "Graph asked to wait <b>twice</b>", "Wait & see.")
FORBIDDEN = LeaseError("permission_missing", "the app lacks Device.Read.All", "Grant it.")
BROKEN = LeaseError("setting_invalid", "tailspin.json: client_id is no GUID", "Put the ID there.")
# What the store has of collections as `live` leaves them is from 12 and 13 o'clock.
HOUR_S = 3_600.0


def watch(url: str) -> str:
    """
    Make such a store, and return its URL.

    contoso: users are half an hour old, groups/members fail, devices are left out; its secret ends
    soon. fabrikam was never reached. The settings of tailspin are broken.
    """
    live(url)
    return _watch(url)


def live_a_month(url: str) -> str:
    """Make such a store in which something has changed on most of the thirty days before."""
    clock = SteppingClock()
    clock.time = NOW - dt.timedelta(days=29)
    with open_store(url, now=clock) as store:
        store.enter_tenant(CONTOSO, "Contoso")
        with store.change(1, "users", "baseline") as change:
            change.load([user(letter, f"User {letter}") for letter in "abc"])
            change.save(USERS)
        for day in range(28):
            clock.time = NOW - dt.timedelta(days=28 - day)
            with store.change(1, "users", "round") as change:
                count = (day * 7 + day * day) % 13
                change.put([user(f"d{day}-{number}", "New") for number in range(count)])
                change.end([f"d{day - 3}-{number}" for number in range(count // 2)], "deleted")
                change.put([user("b", f"Bo {day}")] if day % 3 else [])
                change.save(USERS)
        clock.time = NOW - dt.timedelta(hours=3)
        for title, phones in (("Clerk", []), ("Manager", ["+55 11 5555 0100"])):
            with store.change(1, "users", "round") as change:
                change.put([user("a", "Ana Souza", jobTitle=title, businessPhones=phones)])
                change.save(USERS)
        with store.change(1, "groups/members", "baseline") as change:
            change.load([member("g", "b")])
            change.save(MEMBERS)
    return _watch(url, LeaseError("throttled", "Graph asked to wait (429)", "Add --polite 50%."))


def _watch(url: str, error: LeaseError = THROTTLED) -> str:
    with open_store(url, create=False) as store:
        leases = _open_leases(store, lambda: NOW - dt.timedelta(minutes=20))
        leases.enter([(CONTOSO, "contoso")], ["users", "groups/members", "devices"], HOUR_S)
        for taken in leases.take([CONTOSO], ["users", "groups/members", "devices"]):
            match taken.key.collection:
                case "users":
                    outcome = LeaseOutcome(taken.key, 1, NOW + dt.timedelta(minutes=40))
                case "devices":
                    outcome = LeaseOutcome(taken.key, 1, NOW, left_out=True, error=FORBIDDEN)
                case _:
                    outcome = LeaseOutcome(taken.key, 1, NOW, failures=3, error=error)
            assert leases.note(outcome)
        leases.enter([("fabrikam.example", "fabrikam")], ["users"], HOUR_S)
        leases.note_file("tailspin", HOUR_S, 1, BROKEN)
        ends = [
            ("secret", "secret in contoso.json", NOW + dt.timedelta(days=12, hours=1)),
            ("certificate", "private_key_file in contoso.json", NOW + dt.timedelta(days=400)),
        ]
        note_credential_ends(
            store,
            "contoso",
            [
                CredentialEnd("contoso", source, kind, format_time(end), format_time(NOW))
                for kind, source, end in ends
            ],
        )
        unknown = CredentialEnd("fabrikam", "secret in fabrikam.json", "secret", "", "")
        note_credential_ends(store, "fabrikam", [unknown])
    return url


def _open_leases(store: Store, now: Callable[[], dt.datetime]) -> LeaseHolder:
    return LeaseHolder(store, "here/1", 60, now)
