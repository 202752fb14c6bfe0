"""Lengths of time as people write them."""

import pytest

from graphdaemon.settings.duration import read_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7d", 604_800),
        ("12h", 43_200),
        ("30m", 1_800),
        ("90s", 90),
        ("0s", 0),
        ("never", None),
        ("forever", None),
    ],
)
def test_a_number_and_a_unit_are_a_time(text: str, seconds: float | None) -> None:
    """Days, hours, minutes, seconds; or no end."""
    assert read_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "7", "d", "7 d", "7D", "-1d", "1.5h", "7w", "\u0667d", "1" * 7 + "s"]
)
def test_anything_else_is_refused(text: str) -> None:
    """A unit that is guessed would be wrong by a factor of sixty."""
    with pytest.raises(ValueError, match="is not a length of time"):
        read_duration(text)
