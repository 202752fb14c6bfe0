"""What Graph is taken to show by default."""

import pytest

from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.default_properties import default_properties
from graphdaemon.graph.property_types import find_types
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

# Recorded, but in no published metadata.
_UNDECLARED = {"creationOptions", "createdDateTime"}


@pytest.mark.parametrize("name", ["users", "groups", "applications", "servicePrincipals"])
def test_every_default_property_is_a_published_one(name: str) -> None:
    properties = default_properties(name)
    assert properties is not None
    types = find_types(STORED_COLLECTIONS[name], properties)
    assert {one for one in properties if types[one] == "any"} <= _UNDECLARED
    assert "id" in properties


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_the_columns_of_a_table_are_shown_by_default(name: str) -> None:
    properties = default_properties(name)
    assert properties is None or set(CATALOG[name].columns) <= set(properties)
