"""Which links are followed: those that the token may go to."""

import json
import logging
import pickle
import traceback

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.links import DeltaLink, follow, follow_within, origin_of, path_of

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

    assert (caught.value.code, caught.value.status) == ("link_foreign", 200)
    assert "SECRET-PLACE" not in str(caught.value)


def test_a_link_to_itself_is_no_next_page() -> None:
    """Following it would never end."""
    with pytest.raises(GraphError, match="points to its own page"):
        follow(URL, URL)


@pytest.mark.parametrize("end", ["&a b", "&é", "&\x7f", "&\n"])
def test_what_is_no_address_is_not_followed(end: str) -> None:
    """A link with a space or a control character would be another request than it looks."""
    with pytest.raises(
        GraphError, match=r"the next link of /v1\.0/users is not an address"
    ) as caught:
        follow(URL + end, URL)

    assert (caught.value.code, caught.value.status) == ("page_malformed", 200)


@pytest.mark.parametrize(
    "link",
    [
        "https://[::1/v1.0/users?$skiptoken=SECRET-PLACE",
        "https://[SECRET-PLACE]/v1.0/users",
        "https://graph.microsoft.com\u2100.example/?SECRET-PLACE",
        "https://]SECRET-PLACE[/",
        "//[",
    ],
)
def test_what_cannot_be_taken_apart_is_not_followed(link: str) -> None:
    """Python's own reader of addresses raises ValueError on them."""
    for allow in (follow, follow_within):
        with pytest.raises(
            GraphError, match=r"of /v1.0/users (is not an address|points)"
        ) as caught:
            allow(link, URL)
        assert caught.value.code in ("page_malformed", "link_foreign")
        assert "SECRET-PLACE" not in str(caught.value)


def test_the_origin_of_a_foreign_link_is_named_in_part() -> None:
    """A host may be of any length, and hold what a terminal obeys."""
    with pytest.raises(GraphError, match=r"points to https://\\x1b7xxx") as caught:
        follow(f"https://\x1b7{'x' * 100_000}/", URL)

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.microsoft.com/v1.0/users?$skiptoken=A",
        "https://graph.microsoft.com/V1.0/Users?$skiptoken=A",
        "https://graph.microsoft.com/v1.0/%75sers?$skiptoken=A",
    ],
    ids=["same", "case", "escaped"],
)
def test_a_link_may_stay_in_its_collection(link: str) -> None:
    """In whatever spelling."""
    assert follow_within(link, URL) == link


@pytest.mark.parametrize("path", ["/v1.0/groups", "/beta/users", "/v1.0/users/delta", "/"])
def test_a_link_to_another_collection_is_not_followed(path: str) -> None:
    """Its records would be taken for those of this one."""
    with pytest.raises(GraphError, match=f"of /v1.0/users points to {path};") as caught:
        follow_within(f"https://graph.microsoft.com{path}?$skiptoken=SECRET-PLACE", URL)

    assert (caught.value.code, caught.value.status) == ("link_foreign", 200)
    assert "SECRET-PLACE" not in str(caught.value)


def test_an_origin_has_one_spelling() -> None:
    """Without the name of a user, and without the port that https has anyway."""
    assert origin_of("HTTPS://me:secret@Graph.Example:443/x?y") == "https://graph.example"
    assert origin_of("https://graph.example:4430") == "https://graph.example:4430"
    assert path_of(URL) == "/v1.0/users"


def refuse(link: DeltaLink) -> None:
    raise ValueError(link)


def test_a_delta_link_is_shown_nowhere_by_accident(caplog: pytest.LogCaptureFixture) -> None:
    """Not in a message, a log, JSON or a traceback with its values; who wants it reveals it."""
    link = DeltaLink(URL)
    caplog.set_level(logging.DEBUG)
    logging.getLogger("graphdaemon").info("%s %r", link, [link])
    with pytest.raises(ValueError, match="DeltaLink") as caught:
        refuse(link)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    shown = "".join(report.format())

    assert "SECRET" not in f"{link} {link!r} {[link]} {caplog.text}"
    assert "ValueError: DeltaLink(…)" in shown
    assert "SECRET" not in shown
    with pytest.raises(TypeError):
        json.dumps({"link": link})
    with pytest.raises(TypeError):
        vars(link)
    assert link.reveal() == URL


def test_delta_links_are_equal_if_their_texts_are() -> None:
    link = DeltaLink(URL)

    assert pickle.loads(pickle.dumps(link)) == link == DeltaLink(URL)
    assert {link, DeltaLink(URL)} == {link}
    assert link != DeltaLink(URL + "x")
    assert link != URL
