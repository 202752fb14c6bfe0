"""Who was not seen, to the second, and whom nothing is known of."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from graphdaemon.client.reports.stale import StaleRow, StaleRules, judge_device, judge_user

NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
RULES = StaleRules(NOW, dt.timedelta(days=90), {"sku": "SPE_E5"})
LIMIT, BEFORE = "2026-09-01T00:00:00Z", "2026-08-31T23:59:59Z"


def user(activity: Any = None, **changes: Any) -> StaleRow | None:
    record = {"id": "u", "displayName": "Ana", "createdDateTime": "2020-01-01T00:00:00Z"}
    return judge_user(record | {"signInActivity": activity} | changes, RULES)


def seen(**moments: str | None) -> dict[str, Any]:
    names = {
        "page": "lastSignInDateTime",
        "token": "lastNonInteractiveSignInDateTime",
        "success": "lastSuccessfulSignInDateTime",
    }
    return {names[name]: moment for name, moment in moments.items()}


@pytest.mark.parametrize(
    ("activity", "is_stale"),
    [
        (seen(success=LIMIT), False),
        (seen(success=BEFORE), True),
        # Attempts that failed are no visit, where it is known when one succeeded.
        (seen(page=LIMIT, success=BEFORE), True),
        (seen(page=BEFORE, token=LIMIT), False),
        (seen(page=LIMIT, token=BEFORE), False),
        (seen(page=BEFORE, token=BEFORE), True),
        (seen(page="0001-01-01T00:00:00Z", token=None, success="9999-12-31T23:59:59Z"), False),
    ],
)
def test_a_user_is_stale_by_the_last_success_or_else_the_last_attempt(
    activity: Any, is_stale: bool
) -> None:
    row = user(activity)

    assert (row is not None and row.findings == ["stale"]) is is_stale


@pytest.mark.parametrize("activity", [None, {}, seen(page=None, success="0001-01-01T00:00:00Z")])
def test_who_never_came_is_told_once_the_account_is_old_enough(activity: Any) -> None:
    """An account of unknown age is old: those made before June 2018 have no date."""
    assert user(activity, createdDateTime=LIMIT) is None
    assert [
        row.findings
        for made in (BEFORE, None, "long ago")
        if (row := user(activity, createdDateTime=made)) is not None
    ] == [["never_seen"]] * 3


def test_a_row_says_how_long_ago_and_which_licences_are_held() -> None:
    licences = [{"skuId": "sku"}, {"skuId": "unknown"}, {"skuId": None}, 7]
    row = user(
        seen(page="2026-08-01T00:00:00Z", success="2026-07-01T00:00:00Z"),
        assignedLicenses=licences,
        userType="Guest",
        accountEnabled=False,
    )

    assert row is not None
    assert (row.kind, row.days, row.licences) == ("guest", 152, ["SPE_E5", "unknown"])
    assert (row.last_seen_date_time, row.last_attempt_date_time) == (
        "2026-07-01T00:00:00Z",
        "2026-08-01T00:00:00Z",
    )
    assert (row.account_enabled, row.findings) == (False, ["stale", "licensed"])


def test_a_device_is_judged_by_its_approximate_time() -> None:
    def judge(**changes: Any) -> list[str]:
        row = judge_device({"id": "d", **changes}, RULES)
        return row.findings if row is not None else []

    assert judge(approximateLastSignInDateTime=LIMIT) == []
    assert judge(approximateLastSignInDateTime=BEFORE) == ["stale"]
    assert judge(registrationDateTime=BEFORE) == ["never_seen"]
    assert judge(registrationDateTime=LIMIT) == []
    assert judge() == ["never_seen"]
