"""Numbers of a server are finite and within bounds, or none."""

from typing import Any

import pytest

from graphdaemon.received.numbers import (
    read_aadsts_numbers,
    read_count,
    read_date,
    read_number,
    read_time,
)

ABSURD: list[Any] = [
    *("", " ", "nan", "inf", "-inf", "Infinity", "1e999", "-1e999", "1e99999", "-1", "soon"),
    *("1_000", "٣", "0x10", "1,5", "1.2.3", "--1", "1" * 5_000, "9" * 39, "1e", ".", "+"),
    *(float("nan"), float("inf"), float("-inf"), -1, -0.5, 10**5_000, -(10**400), 1e300),
    *(True, False, None, [], {}, [1], b"1", 1j, "1\0", "1\n2"),
]


@pytest.mark.parametrize("place", range(len(ABSURD)))
def test_a_number_without_sense_is_none_wherever_one_is_read(place: int) -> None:
    """Whatever its type: a text of a header, a number of JSON, or something that is neither."""
    value = ABSURD[place]

    assert read_number(value, most=1e6) is None
    assert read_count(value) is None
    assert read_time(value) is None


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *(("0", 0), ("0.85", 0.85), (" 7 ", 7), ("1e3", 1000), ("+5", 5), (".5", 0.5), ("3.", 3)),
        *((2, 2), (0.25, 0.25), (1_000_000, 1e6)),
    ],
)
def test_a_number_is_read_as_a_text_or_as_it_is(value: object, number: float) -> None:
    """Some services send numbers as texts."""
    assert read_number(value, most=1e6) == number


def test_the_bounds_of_a_number_belong_to_it() -> None:
    """Just beyond, it is none."""
    assert read_number(2, least=2, most=3) == 2
    assert read_number("3", least=2, most=3) == 3
    assert read_number(3.001, least=2, most=3) is None
    assert read_number("1.999", least=2, most=3) is None


def test_a_count_is_whole() -> None:
    """There is no half of an object."""
    assert read_count("12") == read_count(12) == read_count(12.0) == 12
    assert read_count(12.5) is None


@pytest.mark.parametrize(
    "text",
    [
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
        "Wed, 21 Oct 9999 23:59:00 -2359",
        "Wed, 21 Oct 2015 07:28:00 +9999",
        "Wed, 21 Oct 2015 99:28:00 GMT",
        "Mon, 99 Jan 2020 00:00:00 -99999999999999999999",
        "Wed, 21 Oct 1960 07:28:00 GMT",
        "soon",
        "",
        None,
    ],
)
def test_a_date_that_no_calendar_has_is_none(text: str | None) -> None:
    """Python's reader of dates fails on them in four ways."""
    assert read_date(text) is None


def test_a_date_is_read_in_epoch_seconds() -> None:
    """As HTTP writes it."""
    assert read_date("Wed, 21 Oct 2015 07:28:00 GMT") == 1_445_412_480


def test_aadsts_numbers_are_those_listed_or_the_first_in_the_text() -> None:
    """What is no such number is left out, however many digits it has."""
    text = "AADSTS7000215: Invalid client secret. AADSTS50034: no"

    assert read_aadsts_numbers([7000222, True, -1, 10**400, "7", None, 1.5], text) == (7000222,)
    assert read_aadsts_numbers([True, 10**400], text) == (7000215,)
    assert read_aadsts_numbers({}, text) == (7000215,)
    assert read_aadsts_numbers(None, f"AADSTS{'7' * 5_000}: x") == ()
    assert read_aadsts_numbers(None, "AADSTS: x") == ()
