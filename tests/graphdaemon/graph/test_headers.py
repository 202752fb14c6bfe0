"""The numbers in the headers of an answer."""

import email.utils
import time

import pytest

from graphdaemon.graph.headers import read_cost, read_load, read_wait


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("7", 7), ("2.128", 2.128), (" 3 ", 3), ("0", 0), ("1e9", 31_536_000)),
        *(("9" * 30, 31_536_000), ("-3", None), ("nan", None), ("1e999", None), ("inf", None)),
        *(("soon", None), ("", None), (None, None), ("1_0", None), ("1" * 5_000, None)),
        ("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", None),
        ("Wed, 21 Oct 9999 07:28:00 GMT", None),
        ("Wed, 21 Oct 4999 07:28:00 GMT", 31_536_000),
    ],
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
    ("text", "cost"),
    [("0", 0), ("0.85", 0.85), ("7", 7), ("100", 100), ("100.1", None), (None, None), ("", None)],
)
def test_a_cost_is_read(text: str | None, cost: float | None) -> None:
    """As a number that a single request may have, or as nothing."""
    assert read_cost(text) == cost


@pytest.mark.parametrize(
    ("text", "load"), [("0", 0), ("0.85", 0.85), ("1.8", 1.8), ("2.1", None), (None, None)]
)
def test_a_load_is_read(text: str | None, load: float | None) -> None:
    """Graph tells of loads from 0.8 to 1.8."""
    assert read_load(text) == load


@pytest.mark.parametrize("text", ["-1", "5000", "inf", "-inf", "nan", "1e999", "much", "True"])
def test_a_number_without_sense_is_none(text: str) -> None:
    """It would spoil the picture of the throttle budget for good."""
    assert (read_cost(text), read_load(text)) == (None, None)
