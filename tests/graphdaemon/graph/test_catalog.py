"""The catalogue of collections."""

import pytest

from graphdaemon.graph.catalog import CATALOG, Collection, find_collection


@pytest.mark.parametrize("collection", CATALOG.values(), ids=CATALOG)
def test_the_catalogue_knows_how_to_divide(collection: Collection) -> None:
    """Each of the large collections has a key and a delta."""
    assert collection.key is not None
    assert collection.delta
    assert collection.expands
    assert find_collection(f"/{collection.name}/") is collection


def test_an_unknown_collection_is_read_in_one_chain() -> None:
    """Nothing is known that could be relied on."""
    unknown = find_collection("domains")

    assert unknown.key is None
    assert not unknown.delta
