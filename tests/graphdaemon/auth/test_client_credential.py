"""A client credential: what is told of its end."""

from __future__ import annotations

import pytest

from graphdaemon.auth.client_credential import ClientCredential, list_expiring

DAY = 86_400


@pytest.mark.parametrize(
    ("end", "left"),
    [(31 * DAY, []), (30 * DAY, []), (30 * DAY - 1, [30 * DAY - 1]), (DAY, [DAY]), (-DAY, [-DAY])],
)
def test_a_credential_is_told_of_thirty_days_before_its_end(end: float, left: list[float]) -> None:
    """And after it, with the seconds that it has left."""
    now = 1_000_000_000
    credential = ClientCredential("certificate", "here", expires_at=now + end)

    assert list_expiring([credential], now) == [(credential, seconds) for seconds in left]


def test_a_secret_whose_end_nobody_sees_is_not_told_of() -> None:
    """The portal alone knows it."""
    assert list_expiring([ClientCredential("secret", "here")], 0) == []
