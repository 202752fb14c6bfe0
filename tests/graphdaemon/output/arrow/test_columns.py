"""Columns are what their names and the published types say, whatever the records hold."""

from __future__ import annotations

import pytest

from graphdaemon.graph.property_types import find_types_at
from graphdaemon.output.arrow.columns import Columns, holds_objects, make_schema, make_type

pa = pytest.importorskip("pyarrow")


def test_what_may_be_anything_is_a_text() -> None:
    """Also where it may be so only within."""
    columns = Columns({"id": "text", "x": "any", "y": [{"a": "any"}], "z": ["time"]})

    assert columns.texts == ("x", "y")
    assert list(columns.typed) == ["id", "z"]
    assert [str(field.type) for field in make_schema(columns)] == [
        *("string", "string", "string", "list<item: timestamp[us, tz=UTC]>"),
    ]


@pytest.mark.parametrize(
    ("names", "keeps_rest", "last"),
    [
        (("id", "assignedLicenses"), False, "other"),
        (("id", "proxyAddresses"), False, "proxyAddresses"),
        (("id",), True, "other"),
        (("other", "assignedLicenses"), True, "assignedLicenses"),
    ],
)
def test_there_is_a_column_for_the_rest_where_there_may_be_one(
    names: tuple[str, ...], keeps_rest: bool, last: str
) -> None:
    """Objects may get members that are not published yet; a property of that name wins."""
    columns = Columns(find_types_at("users", names), keeps_rest)
    assert make_schema(columns).names[-1] == last


def test_every_published_type_has_one_in_arrow() -> None:
    assert make_type({"n": "integer", "r": "real", "b": "boolean"}) == pa.struct(
        [("n", pa.int64()), ("r", pa.float64()), ("b", pa.bool_())]
    )
    assert holds_objects([{"a": "text"}])
    assert not holds_objects(["text"])
