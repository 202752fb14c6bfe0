"""What a token says of its caller, in the forms that Microsoft documents."""

from __future__ import annotations

from typing import Any

import pytest

from graphdaemon.errors import CallerRefusedError
from graphdaemon.protect.caller import bare_audience, read_caller
from graphdaemon.protect.requirement import Requirement, authorise, require

NOW = 1_537_233_200.0
TENANT = "fa15d692-0000-4000-8000-29f2956fd429"
API = "ef1da9d4-0000-4000-8000-3f830745c9d1"
APP = "75dbe77f-0000-4000-8000-8c127544f17c"

# The claims of the samples in "Access tokens" and of those in "Access token claims reference", with
# values of our own: a user's of both versions, and an app's as Graph's own recordings have it.
USER_1: dict[str, Any] = {
    "aud": API,
    "iss": f"https://sts.windows.net/{TENANT}/",
    "iat": 1_537_233_106,
    "nbf": 1_537_233_106,
    "exp": 1_537_237_006,
    "acr": "1",
    "aio": "opaque",
    "amr": ["wia"],
    "appid": APP,
    "appidacr": "0",
    "email": "ana@contoso.example",
    "family_name": "Lincoln",
    "given_name": "Ana",
    "idp": "https://sts.windows.net/another/",
    "ipaddr": "222.222.222.22",
    "name": "Ana",
    "oid": "02223b6b-0000-4000-8000-9ec01b2bb919",
    "rh": "I",
    "scp": "user_impersonation",
    "sub": "pairwise",
    "tid": TENANT,
    "unique_name": "ana@contoso.example",
    "uti": "opaque",
    "ver": "1.0",
}
USER_2: dict[str, Any] = {
    "aud": API,
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "iat": 1_537_231_048,
    "nbf": 1_537_231_048,
    "exp": 1_537_234_948,
    "aio": "opaque",
    "azp": APP,
    "azpacr": "0",
    "name": "Ana",
    "oid": "690222be-0000-4000-8000-7e4f7d38e474",
    "preferred_username": "ana@contoso.example",
    "rh": "I",
    "scp": "access_as_user",
    "sub": "pairwise",
    "tid": TENANT,
    "uti": "opaque",
    "ver": "2.0",
}
APP_2: dict[str, Any] = {
    "aud": API,
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "iat": 1_537_231_048,
    "nbf": 1_537_231_048,
    "exp": 1_537_234_948,
    "aio": "opaque",
    "azp": APP,
    "azpacr": "1",
    "oid": "f0000000-0000-4000-8000-7e4f7d38e474",
    "rh": "0.A",
    "roles": ["Orders.Read.All"],
    "sub": "f0000000-0000-4000-8000-7e4f7d38e474",
    "tid": TENANT,
    "uti": "opaque",
    "ver": "2.0",
}
# An ID token for an app that is the API itself: its audience is the same.
ID_TOKEN: dict[str, Any] = {
    name: value for name, value in USER_2.items() if name not in ("azp", "azpacr", "scp")
} | {"nonce": "12345"}


def read(claims: dict[str, Any]) -> Any:
    return read_caller(claims, audiences={API}, now=NOW, leeway=60)


@pytest.mark.parametrize(
    ("claims", "scope"), [(USER_1, "user_impersonation"), (USER_2, "access_as_user")]
)
def test_a_documented_users_token_is_delegated(claims: dict[str, Any], scope: str) -> None:
    """Taken where the scope is asked for, and nowhere else."""
    caller = read(claims)

    assert (caller.is_app, caller.client_id, caller.scopes) == (False, APP, {scope})
    authorise(caller, require(scopes=[scope]))
    with pytest.raises(CallerRefusedError) as caught:
        authorise(caller, require("Orders.Read.All"))
    assert caught.value.case == "caller_delegated"


def test_a_documented_apps_token_is_app_only() -> None:
    """Although an API's tokens have no `idtyp` unless it asks for it."""
    caller = read(APP_2)

    assert (caller.is_app, caller.client_id) == (True, APP)
    authorise(caller, require("Orders.Read.All"))
    with pytest.raises(CallerRefusedError) as caught:
        authorise(caller, require(scopes=["access_as_user"]))
    assert caught.value.case == "caller_app_only"


def test_an_id_token_is_no_access_token() -> None:
    """Issuer, audience, signature and time are right; who may call is not said in it."""
    with pytest.raises(CallerRefusedError) as caught:
        read(ID_TOKEN)

    assert caught.value.case == "bearer_claims_missing"
    assert "azp" in str(caught.value)


@pytest.mark.parametrize(
    ("roles", "every", "held", "missing"),
    [
        (("A", "B"), False, ["A"], None),
        (("A", "B"), False, ["B", "C"], None),
        (("A", "B"), False, ["C"], "A or B"),
        (("A", "B"), True, ["A", "B"], None),
        (("A", "B"), True, ["A"], "role B"),
        (("A", "B"), True, ["C"], "A and B"),
        (("A",), False, None, "lacks the app role A"),
    ],
)
def test_one_role_or_all_of_them_are_asked_for(
    roles: tuple[str, ...], every: bool, held: list[str] | None, missing: str | None
) -> None:
    """What is missing is named."""
    caller = read({name: value for name, value in (APP_2 | {"roles": held}).items() if value})
    needed = require(*roles, every=every)
    if missing is None:
        authorise(caller, needed)
        return

    with pytest.raises(CallerRefusedError, match=missing) as caught:
        authorise(caller, needed)

    assert (caught.value.status, caught.value.code) == (403, "caller_forbidden")


def test_one_of_several_roles_is_enough_unless_all_are_asked_for() -> None:
    """The settings' list is read like that, too."""
    authorise(read(APP_2), require("Orders.Read.All", "Orders.Write.All"))
    authorise(read(APP_2), Requirement(frozenset({"Orders.Read.All", "Orders.Write.All"})))


def test_a_text_alone_is_one_name() -> None:
    """And not a collection of letters, each of which would be a client or a scope."""
    assert require(clients="AB", scopes="Orders.Read") == require(
        clients=["ab"], scopes=["Orders.Read"]
    )


def test_audiences_are_compared_without_a_slash_at_their_end() -> None:
    """One, and in any letters: identifiers are, in Entra ID."""
    assert bare_audience("API://Orders/") == "api://orders"
    assert bare_audience("api://orders//") == "api://orders/"
