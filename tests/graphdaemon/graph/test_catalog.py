"""The catalogue of collections."""

import pytest

from graphdaemon.graph.catalog import CATALOG, Collection, find_collection

LARGE = ("users", "groups", "devices", "applications", "servicePrincipals")


@pytest.mark.parametrize("name", LARGE)
def test_the_catalogue_knows_how_to_divide(name: str) -> None:
    """Each of the large collections has a key, and a count that shows whether a part was lost."""
    collection = CATALOG[name]

    assert collection.key is not None
    assert collection.counted
    assert collection.takes_ids
    assert collection.expands


@pytest.mark.parametrize("collection", CATALOG.values(), ids=CATALOG)
def test_graph_tells_of_the_changes_of_every_known_collection(collection: Collection) -> None:
    assert collection.delta
    assert find_collection(f"/{collection.name}/") is collection


def test_an_unknown_collection_is_read_in_one_chain() -> None:
    """Nothing is known that could be relied on."""
    unknown = find_collection("domains")

    assert unknown.key is None
    assert not unknown.delta
