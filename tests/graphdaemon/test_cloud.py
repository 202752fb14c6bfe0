"""The national clouds, and how one is known by its token service."""

import pytest

from graphdaemon.cloud import CLOUDS, find_cloud, is_for_graph


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        ("https://login.microsoftonline.com/tenant", "public"),
        ("https://STS.windows.net/tenant/", "public"),
        ("https://login.microsoftonline.us/tenant", "usgov"),
        ("https://login.chinacloudapi.cn", "china"),
        ("https://login.example/tenant", None),
        ("", None),
    ],
)
def test_a_cloud_is_known_by_its_token_service(authority: str, name: str | None) -> None:
    """By its documented host, and by each alias of it."""
    cloud = find_cloud(authority)

    assert (cloud and cloud.name) == name


def test_each_cloud_has_a_graph_and_a_portal_of_its_own() -> None:
    """Tokens of one are never sent to another."""
    assert len({cloud.graph for cloud in CLOUDS}) == len(CLOUDS)
    assert all(cloud.portal.startswith("https://") for cloud in CLOUDS)


@pytest.mark.parametrize(
    ("resource", "graph"),
    [
        ("https://graph.microsoft.com", True),
        ("https://graph.microsoft.com/", True),
        ("https://dod-graph.microsoft.us", True),
        ("00000003-0000-0000-c000-000000000000", True),
        ("https://graph.windows.net", False),
        (None, False),
    ],
)
def test_graph_is_known_by_each_of_its_names(resource: object, graph: bool) -> None:
    """In every cloud, with a slash or without, and by its ID."""
    assert is_for_graph(resource) is graph
