"""Limits: each has a name, a value and words for what goes beyond it."""

import pytest

from graphdaemon.http.failures import explain_failure
from graphdaemon.http.limits import LimitExceededError, Limits

# Those that end a wait, which is told in the words for waiting.
WAITS = {"connect_seconds", "close_seconds"}
NAMES = sorted({*Limits._fields} - WAITS)


@pytest.mark.parametrize("name", NAMES)
def test_an_error_names_the_limit_its_value_and_the_next_step(name: str) -> None:
    """In one sentence that names the host as well."""
    failure = explain_failure(LimitExceededError(name, 3 << 20), "graph.test", 5)

    assert failure.code == "limit_exceeded"
    assert str(failure).startswith("the answer of graph.test ")
    assert str(failure).endswith(f" (the limit {name})")
    assert any(value in str(failure) for value in ("3 MB", "3,145,728", "3145728", "3.14573e+06"))
    assert failure.hint


def test_limits_cannot_be_changed_behind_a_transports_back() -> None:
    """They are one value, passed on as a whole."""
    with pytest.raises(AttributeError):
        Limits().headers = 1  # type: ignore[misc]
