"""The numbers in the headers of an answer."""

import email.utils
import time

import pytest

from graphdaemon.graph.headers import read_amount, read_wait


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("2.128", 2.128), ("-3", 0), ("nan", 0), ("soon", None), ("", None), (None, None)],
)
def test_how_long_to_wait_is_read(text: str | None, seconds: float | None) -> None:
    """Whole seconds, fractions as in Graph's own documentation; nothing else is guessed."""
    assert read_wait(text) == seconds


def test_a_date_to_wait_for_is_read() -> None:
    """The other form that HTTP has."""
    date = email.utils.formatdate(time.time() + 30, usegmt=True)

    assert 28 <= (read_wait(date) or 0) <= 30
    assert read_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0", 0), ("0.85", 0.85), ("7", 7), ("999999", 999_999), (None, None), ("", None)],
)
def test_a_cost_or_a_load_is_read(text: str | None, amount: float | None) -> None:
    """As a number, or as nothing where there is none."""
    assert read_amount(text) == amount


@pytest.mark.parametrize("text", ["-1", "1000000", "inf", "-inf", "nan", "much"])
def test_a_number_without_sense_is_none(text: str) -> None:
    """It would spoil the picture of the throttle budget for good."""
    assert read_amount(text) is None
