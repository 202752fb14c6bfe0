"""Single values made fit for their column."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from graphdaemon.errors import OutputError
from graphdaemon.graph.property_types import PropertyType
from graphdaemon.output.arrow.fit import fit


@pytest.mark.parametrize(
    ("value", "kind", "fitted"),
    [
        (None, {"a": "text"}, None),
        ("a", "text", "a"),
        ({"b": [1, None]}, "text", '{"b":[1,null]}'),
        (7, "real", 7.0),
        (-(2**63), "integer", -(2**63)),
        ([1, None], ["integer"], [1, None]),
        ({"a": "x"}, {"a": "text", "b": "boolean"}, {"a": "x", "b": None}),
        ("2024-02-29 10:11Z", "time", dt.datetime(2024, 2, 29, 10, 11, tzinfo=dt.UTC)),
    ],
)
def test_a_value_that_fits_is_what_it_was(value: Any, kind: PropertyType, fitted: Any) -> None:
    assert fit(value, kind, "a") == (fitted, True)


def test_an_object_with_more_than_is_published_is_not_whole() -> None:
    """At any depth; notes on it are none of it."""
    kind: PropertyType = [{"a": {"b": "text"}}]

    assert fit([{"a": {"b": "x", "b@odata.type": "y"}}], kind, "p") == ([{"a": {"b": "x"}}], True)
    assert fit([{"a": {"c": "x"}}], kind, "p") == ([{"a": {"b": None}}], False)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "integer"),
        (1e16, "integer"),
        (2**63, "integer"),
        (1e300, "integer"),
        (True, "real"),
        (float("inf"), "real"),
        (10**400, "real"),
        ("0001-01-01T00:00:00+14:00", "time"),
        ("20240101", "time"),
        ("2024-01-01T25:00:00Z", "time"),
        ("2024-01-01T00:00:00+99:00", "time"),
        ("٢٠٢٤-01-01", "time"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(value: Any, kind: PropertyType) -> None:
    with pytest.raises(OutputError, match=r"^p\.q is "):
        fit({"q": value}, {"q": kind}, "p")
