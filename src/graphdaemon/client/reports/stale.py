"""The report `stale`: users, guests and devices that have not been seen for a long time. Pure."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from graphdaemon.client.reports.values import (
    count_days,
    read_flag,
    read_moment,
    read_object,
    read_objects,
    read_text,
    write_moment,
)

Kind = Literal["user", "guest", "device"]

RULES = {
    "stale": "it has not been seen for longer than --since",
    "never_seen": "it has never been seen, and is older than --since",
    "licensed": "it still holds licences",
}
"""What this report finds, and what each finding means."""


class StaleRow(msgspec.Struct, rename="camel"):
    """
    A user, guest or device that has not been seen for a long time.

    Attributes:
        display_name: What it is called.
        user_principal_name: Of a user or guest.
        kind: `user`, `guest` or `device`.
        account_enabled: Whether it may sign in.
        created_date_time: When it was made, or registered; null where that is not known.
        last_seen_date_time: The last successful sign-in of any kind; for a device, approximately
            when it was last seen. Null if it was never seen.
        last_attempt_date_time: The last time when a user tried to sign in, successfully or not.
        days: Whole days since it was last seen or, if it was never seen, since it was created.
        licences: The products that it holds, by `skuPartNumber`, or by ID if that is not known.
        findings: The names of the findings.
        id: Its object ID.
    """

    display_name: str | None
    user_principal_name: str | None
    kind: Kind
    account_enabled: bool | None
    created_date_time: str | None
    last_seen_date_time: str | None
    last_attempt_date_time: str | None
    days: int | None
    licences: list[str]
    findings: list[str]
    id: str


class StaleRules(NamedTuple):
    """
    What is stale.

    Attributes:
        now: The moment of the report.
        since: How long ago something must have been seen.
        products: `skuPartNumber` of each product, by `skuId`.
    """

    now: dt.datetime
    since: dt.timedelta
    products: Mapping[str, str] = {}


class _Seen(NamedTuple):
    made: dt.datetime | None
    seen: dt.datetime | None
    attempt: dt.datetime | None


def judge_user(record: Mapping[str, Any], rules: StaleRules) -> StaleRow | None:
    """
    Return the row of a user or guest who was not seen for long; None for any other.

    `lastSuccessfulSignInDateTime` tells best when somebody was there, by whatever means. It is kept
    since December 2023 alone ("signInActivity resource type"): without it the attempts count.
    """
    made = read_moment(record.get("createdDateTime"))
    times = _read_activity(read_object(record, "signInActivity"))._replace(made=made)
    kind: Kind = "guest" if read_text(record, "userType") == "Guest" else "user"
    return _judge(record, kind, times, rules)


def is_seen_lately(activity: Mapping[str, Any], rules: StaleRules) -> bool:
    """Say whether a user with this `signInActivity` is not stale, whenever the account was made."""
    seen = _read_activity(activity).seen
    return seen is not None and rules.now - seen <= rules.since


def _read_activity(activity: Mapping[str, Any]) -> _Seen:
    attempts = [
        moment
        for name in ("lastSignInDateTime", "lastNonInteractiveSignInDateTime")
        if (moment := read_moment(activity.get(name))) is not None
    ]
    attempt = max(attempts, default=None)
    success = read_moment(activity.get("lastSuccessfulSignInDateTime"))
    return _Seen(None, success or attempt, attempt or success)


def judge_device(record: Mapping[str, Any], rules: StaleRules) -> StaleRow | None:
    """Return the row of a device that was not seen for long; None for any other."""
    times = _Seen(
        read_moment(record.get("registrationDateTime")),
        read_moment(record.get("approximateLastSignInDateTime")),
        None,
    )
    return _judge(record, "device", times, rules)


def _judge(
    record: Mapping[str, Any], kind: Kind, times: _Seen, rules: StaleRules
) -> StaleRow | None:
    last = times.seen or times.made
    # What nobody knows the age of is old.
    if last is not None and rules.now - last <= rules.since:
        return None
    ids = [read_text(one, "skuId") for one in read_objects(record, "assignedLicenses")]
    licences = sorted(rules.products.get(id_, id_) for id_ in ids if id_ is not None)
    findings = ["stale" if times.seen is not None else "never_seen"]
    return StaleRow(
        display_name=read_text(record, "displayName"),
        user_principal_name=read_text(record, "userPrincipalName"),
        kind=kind,
        account_enabled=read_flag(record, "accountEnabled"),
        created_date_time=write_moment(times.made),
        last_seen_date_time=write_moment(times.seen),
        last_attempt_date_time=write_moment(times.attempt),
        days=None if last is None else count_days(last, rules.now),
        licences=licences,
        findings=[*findings, "licensed"] if licences else findings,
        id=read_text(record, "id") or "",
    )
