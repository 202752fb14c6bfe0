"""What has no place in the columns."""

from __future__ import annotations

import json

import pytest

from graphdaemon.graph.property_types import find_types_at
from graphdaemon.output.arrow.columns import Columns
from graphdaemon.output.arrow.rest import RestFinder

NAMES = ("id", "assignedLicenses", "displayName")


@pytest.mark.parametrize("odd", ["", 'a "name"'], ids=["checked at once", "looked at one by one"])
@pytest.mark.parametrize(
    ("record", "rest"),
    [
        ({"id": "1", "displayName": {"any": 1}, "@odata.type": "x"}, None),
        ({"id": "1", "members@odata.context": "x"}, None),
        ({"id": "1", "mail": None}, {"mail": None}),
        ({"assignedLicenses": [{"skuId": None}, None]}, None),
        ({"assignedLicenses": [{"a": 1}], "b": 2}, {"assignedLicenses": [{"a": 1}], "b": 2}),
        ([1, 2], {"column1": 1, "column2": 2}),
    ],
)
def test_nothing_is_lost(record: object, rest: object, odd: str) -> None:
    """Neither properties nor what is within them; notes are no properties."""
    types = find_types_at("users", (*NAMES, *([odd] if odd else ())))
    found = RestFinder(Columns(types, keeps_rest=True)).find(json.dumps(record).encode())
    assert (None if found is None else json.loads(found)) == rest


def test_who_selected_properties_did_not_ask_for_others() -> None:
    finder = RestFinder(Columns(find_types_at("users", NAMES)))

    assert finder.find(b'{"mail":"x","assignedLicenses":[]}') is None
    assert finder.find(b'{"mail":"x","assignedLicenses":[{"b":1}]}') == (
        '{"assignedLicenses":[{"b":1}]}'
    )
