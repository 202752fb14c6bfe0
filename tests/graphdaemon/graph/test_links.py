"""Which links are followed: those that the token may go to."""

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.links import follow

URL = "https://graph.microsoft.com/v1.0/users?$skiptoken=SECRET-PLACE"


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com/v1.0/users?$skiptoken=A",
        "https://graph.microsoft.com:443/v1.0/users?$skiptoken=A",
        "https://GRAPH.microsoft.com/v1.0/users?$skiptoken=A%2f",
    ],
)
def test_links_on_the_same_origin_are_followed_byte_for_byte(link: str) -> None:
    """The address is Graph's; not a byte of it is rebuilt."""
    assert follow(link, URL) == link


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users?$skiptoken=SECRET-PLACE",
        "http://graph.microsoft.com/v1.0/users?$skiptoken=SECRET-PLACE",
        "https://graph.microsoft.com:8443/v1.0/users",
        "https://graph.microsoft.com@evil.example/v1.0/users",
        "https://graph.microsoft.com.evil.example/",
        "//evil.example/users",
        "/v1.0/users?$skiptoken=1",
        "",
    ],
)
def test_links_elsewhere_are_not_followed(link: str) -> None:
    """The token goes to the configured origin only; the error names both and no token."""
    with pytest.raises(GraphError, match=r"not to https://graph\.microsoft\.com") as caught:
        follow(link, URL)

    assert caught.value.code == "link_foreign"
    assert "SECRET-PLACE" not in str(caught.value)


def test_a_link_to_itself_is_no_next_page() -> None:
    """Following it would never end."""
    with pytest.raises(GraphError, match="points to its own page"):
        follow(URL, URL)
