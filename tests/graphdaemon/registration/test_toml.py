"""Settings as TOML: what is written is what Python reads."""

from __future__ import annotations

import datetime as dt
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.registration.toml import write_toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    TEXTS
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.datetimes(timezones=st.just(dt.UTC)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_written_is_read_back(values: dict[str, Any]) -> None:
    """Emoji, control characters, tables and times: all that a person may have added."""
    assert tomllib.loads(write_toml(values)) == values


@pytest.mark.parametrize(
    "text", ["😀", '"', "\\", "\x7f", "\x00", "\t", "\r\n", "\u2028", "é", "a'b", "\ufeff"]
)
def test_a_text_is_read_back(text: str) -> None:
    assert tomllib.loads(write_toml({text: text, "a": [text, {"b": text}]})) == {
        text: text,
        "a": [text, {"b": text}],
    }


def test_what_is_not_set_is_left_out() -> None:
    assert write_toml({"a": None, "b": 1}) == "b = 1\n"


def test_a_value_that_is_no_number_is_written_as_such() -> None:
    read = tomllib.loads(write_toml({"a": float("nan"), "b": float("-inf")}))

    assert str(read) == "{'a': nan, 'b': -inf}"
