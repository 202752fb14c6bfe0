"""What is within the properties of stored collections."""

import pytest

from graphdaemon.graph.property_types import find_types, holds_any
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from tests.graphdaemon.graph.test_stored_collections import load_generator
from tests.support.places import ROOT

PUBLISHED = ROOT.parent / "shared" / "data"
TABLE = ROOT / "src/graphdaemon/graph/data/property_types.json"


def test_the_types_are_what_the_generator_makes_of_microsofts_metadata() -> None:
    if not PUBLISHED.is_dir():
        pytest.skip("the published tables are not beside this checkout (../shared/data)")

    assert load_generator().generate_nested(PUBLISHED) == TABLE.read_text("utf-8")


def test_types_are_nested_as_the_values_are() -> None:
    """What is not published may be anything, and so may what has names of anybody's choice."""
    names = ("createdDateTime", "assignedLicenses", "customSecurityAttributes", "extension_x")
    types = find_types(STORED_COLLECTIONS["users"], names)

    assert types == {
        "createdDateTime": "time",
        "assignedLicenses": [{"disabledPlans": ["text"], "skuId": "text"}],
        "customSecurityAttributes": "any",
        "extension_x": "any",
    }
    assert [name for name, kind in types.items() if holds_any(kind)] == [
        *("customSecurityAttributes", "extension_x"),
    ]
    assert holds_any([{"a": ["any"]}])


@pytest.mark.parametrize("collection", STORED_COLLECTIONS.values(), ids=lambda row: row.table)
def test_every_property_that_is_kept_by_default_has_a_type(collection: object) -> None:
    row = next(row for row in STORED_COLLECTIONS.values() if row is collection)
    assert not any(map(holds_any, find_types(row, row.select).values()))
