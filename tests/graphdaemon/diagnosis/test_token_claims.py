"""What the claims of a token mean, in words."""

import pytest

from graphdaemon.diagnosis.token_claims import (
    describe_claims,
    describe_moment,
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


def test_the_claims_of_an_agents_token_are_known() -> None:
    """As in the example of Microsoft's page, where numbers without a meaning stand beside."""
    claims = {
        "idtyp": "app",
        "roles": ["User.Read.All"],
        "xms_act_fct": "3 9 11",
        "xms_sub_fct": "9 3 11",
        "xms_tnt_fct": "3 9",
        "xms_idrel": "7 10",
        "xms_par_app_azp": "30cf4c22-9985-4ef7-8756-91cc888176bd",
        "xms_ftd": "Z5DrW4HFOkR",
    }
    shown = {one.name: one.sentence for one in describe_claims(claims, NOW)}

    assert shown["xms_act_fct"] == "who acts is an agent identity"
    assert shown["xms_sub_fct"] == "the subject is an agent identity"
    assert shown["xms_tnt_fct"] == "what the tenant is, by numbers"
    assert shown["xms_idrel"] == "what the subject is in the tenant: a service principal"
    assert "for an agent identity its blueprint" in shown["xms_par_app_azp"]
    assert "" not in shown.values()


def test_an_agents_user_account_is_told_from_a_person() -> None:
    """The actor is the agent identity, the subject its account; anything else is survived."""
    claims = {"xms_act_fct": "11", "xms_sub_fct": "13 2", "xms_idrel": ["1"], "xms_tnt_fct": None}
    shown = {one.name: one.sentence for one in describe_claims(claims, NOW)}

    assert shown["xms_act_fct"] == "who acts is an agent identity"
    assert shown["xms_sub_fct"] == "the subject is an agent's user account"
    assert shown["xms_idrel"] == "what the subject is in the tenant"
