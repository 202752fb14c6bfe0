"""What the claims of a token mean, in words."""

import pytest

from graphdaemon.diagnosis.token_claims import (
    describe_claims,
    describe_moment,
    is_for_graph,
    read_claims,
)

NOW = 1_772_357_500.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3420, "in 57 minutes"),
        (-7380, "2 hours 3 minutes ago"),
        (90_000, "in 1 day 1 hour"),
        (1, "in 1 second"),
        (-30, "30 seconds ago"),
        (61, "in 1 minute"),
        (86_400 * 400, "in 400 days"),
    ],
)
def test_moments_are_told_in_two_units_at_most(seconds: float, words: str) -> None:
    """Nobody reads seconds of an hour."""
    assert describe_moment(NOW + seconds, NOW) == words


@pytest.mark.parametrize(
    "token",
    ["", "a.b", "a.b.c", "eyJ.e30", "a.!.c", "a.W10.c", "a.eyJhIjo.c", "a." + "e30" * 4 + ".c"],
)
def test_what_is_no_token_is_survived(token: str) -> None:
    """Not a JWT, or one whose middle is no object."""
    assert read_claims(token) is None


def test_strange_claims_are_survived() -> None:
    """Whatever a token service puts there is shown as it is."""
    claims = {
        "roles": "not a list",
        "exp": "soon",
        "iat": True,
        "nbf": 1e300,
        "aud": ["a", "b"],
        "appidacr": 7,
        "idtyp": None,
        "xms_cc": 1,
        "app_displayname": "\x1b[31mred\u202e",
        "\x07bell": {"deep": [1]},
    }

    shown = describe_claims(claims, NOW)

    assert {one.name for one in shown} >= {"roles", "aud", "\x07bell"}
    assert "\x1b[31mred\u202e" in [one.value for one in shown]


def test_a_delegated_token_is_described_as_one() -> None:
    """Permissions of a user's token are in scp; no missing roles are lamented."""
    shown = {
        one.name: one.sentence
        for one in describe_claims({"scp": "User.Read", "idtyp": "user", "upn": "a@b"}, NOW)
    }

    assert "roles" not in shown
    assert "delegated permissions" in shown["scp"]


@pytest.mark.parametrize(
    ("audience", "graph"),
    [
        ("https://graph.microsoft.com", True),
        ("https://graph.microsoft.com/", True),
        ("https://dod-graph.microsoft.us", True),
        ("00000003-0000-0000-c000-000000000000", True),
        ("https://graph.windows.net", False),
        (None, False),
    ],
)
def test_graph_is_known_by_each_of_its_names(audience: object, graph: bool) -> None:
    """In every cloud, with a slash or without, and by its ID."""
    assert is_for_graph(audience) is graph
