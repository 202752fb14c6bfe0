"""The numbers in the headers of an answer."""

import email.utils
import time

import pytest

from graphdaemon.graph.headers import read_wait


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
