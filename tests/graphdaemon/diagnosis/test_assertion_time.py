"""What a refused assertion's times tell."""

import pytest

from graphdaemon.diagnosis.assertion_time import describe_age, describe_assertion_time

NOW = 1_772_357_500.0


@pytest.mark.parametrize(
    ("now", "over", "words"),
    [
        ("2026-03-01T09:50:00.12345Z", True, "It had been over for 45 minutes when it arrived."),
        ("2026-03-01T08:00:00Z", False, "It begins in 1 hour by the token service's clock."),
    ],
)
def test_times_in_a_refusal_are_compared(now: str, over: bool, words: str) -> None:
    """The token service gives its own time, and both of the assertion's."""
    text = (
        f"Current time: {now}, assertion valid from 2026-03-01T09:00:00Z, "
        "expiry time of assertion 2026-03-01T09:05:00.0000000Z."
    )

    assert describe_assertion_time(text) == (over, words)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Current time: 2026-03-01T09:01:00Z",
        "Current time: 2026-99-01T09:01:00Z, expiry time of assertion 2026-03-01T09:00:00Z",
        "Current time: 2026-03-01T09:01:00Z, expiry time of assertion 2026-03-01T09:05:00Z",
    ],
)
def test_other_texts_tell_nothing(text: str) -> None:
    """Without times, with broken ones, or within them."""
    assert describe_assertion_time(text) is None


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"iat": NOW - 3000, "exp": NOW - 2700}, "50 minutes old, over for 45 minutes"),
        ({"exp": NOW - 60}, "over for 1 minute"),
        ({"iat": NOW - 60, "exp": NOW + 60}, "1 minute old"),
        ({"iat": NOW + 60}, None),
        ({"iat": "x", "exp": None}, None),
        ({}, None),
    ],
)
def test_a_tokens_age_is_told_by_its_claims(claims: dict[str, object], words: str | None) -> None:
    """As far as it has any."""
    assert describe_age(claims, NOW) == words
