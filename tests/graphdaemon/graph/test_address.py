"""Addresses as people write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.errors import UsageError
from graphdaemon.graph.address import choose_root, resolve, split_version

ROOT = "https://graph.microsoft.com/v1.0"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("users", f"{ROOT}/users"),
        ("/users?$top=5&$select=id,mail", f"{ROOT}/users?$top=5&$select=id,mail"),
        ("v1.0/users", f"{ROOT}/users"),
        ("/beta/users", "https://graph.microsoft.com/beta/users"),
        ("https://graph.microsoft.com/beta/me", "https://graph.microsoft.com/beta/me"),
        ("https://GRAPH.microsoft.com:443/v1.0/users", f"{ROOT}/users"),
        ("users/a_b#EXT#@c.example", f"{ROOT}/users/a_b%23EXT%23@c.example"),
        ("users/a_b%23EXT%23@c.example", f"{ROOT}/users/a_b%23EXT%23@c.example"),
        (
            "users?$filter=displayName eq '50 % é'",
            f"{ROOT}/users?$filter=displayName%20eq%20'50%20%25%20%C3%A9'",
        ),
        ("users('$x@y')", f"{ROOT}/users('$x@y')"),
        ("applications(appId='1')", f"{ROOT}/applications(appId='1')"),
    ],
)
def test_what_people_write_becomes_an_address(text: str, url: str) -> None:
    """A path, with or without a slash, a version or options; or the whole."""
    assert resolve(ROOT, text) == url


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.example/v1.0/users",
        "http://graph.microsoft.com/v1.0/users",
        "https://graph.microsoft.com.evil.example/users",
        "https://graph.microsoft.com@evil.example/users",
        "https://graph.microsoft.com:444/users",
    ],
)
def test_an_address_elsewhere_is_refused(text: str) -> None:
    """The token goes with the request, so there is one origin."""
    with pytest.raises(UsageError, match="which is where the token goes"):
        resolve(ROOT, text)


def test_an_api_of_ones_own_has_its_own_version() -> None:
    """Below the first segment of endpoint's path, as the settings say."""
    root = "https://api.example.com/v1"

    assert resolve(root, "orders") == "https://api.example.com/v1/orders"
    assert resolve(root, "/v1/orders") == "https://api.example.com/v1/orders"
    assert resolve(root, "/v2/orders") == "https://api.example.com/v2/orders"


@given(st.text(max_size=30))
def test_whatever_is_written_leads_to_the_origin_or_is_refused(text: str) -> None:
    """And is an address that can be sent: printable ASCII without blanks."""
    try:
        url = resolve(ROOT, text)
    except UsageError:
        return
    assert url.startswith("https://graph.microsoft.com/")
    assert re.fullmatch(r"[!-~]+", url)
    assert "#" not in url


def test_what_is_no_address_is_a_usage_error() -> None:
    """And says what is wrong with it."""
    with pytest.raises(UsageError, match="this is not an address: Invalid IPv6 URL"):
        resolve(ROOT, "https://[graph.microsoft.com/users")


@pytest.mark.parametrize(
    ("path", "version", "rest"),
    [
        *(("users", None, "users"), ("/beta/users", "beta", "users"), ("v1.0", "v1.0", "")),
        *(("/v2.0/groups/1/members", "v2.0", "groups/1/members"), ("", None, "")),
        *(("betas/x", None, "betas/x"), ("users/beta", None, "users/beta")),
    ],
)
def test_a_version_of_graph_stands_at_the_beginning_of_a_path(
    path: str, version: str | None, rest: str
) -> None:
    """And nowhere else."""
    root = "https://graph.microsoft.com/v1.0"

    assert split_version(path) == (version, rest)
    assert choose_root(root, path) == (
        f"https://graph.microsoft.com/{version}" if version else root
    )
