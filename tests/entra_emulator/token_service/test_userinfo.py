from __future__ import annotations

from tests.support.emulator_probe import Probe
from tests.support.user_flows import ordinary, read, web_client


def test_userinfo(probe: Probe) -> None:
    """The user info has the ID token's subject, and what the scopes allow."""
    client, user = web_client(probe), ordinary(probe.emulator)
    tokens = client.tokens(user, "openid profile email")
    without = web_client(probe).tokens(user, "User.Read")["access_token"]

    answer = probe.get("/oidc/userinfo", Authorization=f"Bearer {tokens['access_token']}")

    content, claims = answer.json(), read(tokens["id_token"])
    assert (content["sub"], content["name"]) == (claims["sub"], claims["name"])
    assert content["email"] == user
    assert probe.get("/oidc/userinfo", Authorization=f"Bearer {without}").status == 403
    assert probe.get("/oidc/userinfo").status == 401


def test_id_token_is_no_access_token(probe: Probe) -> None:
    """Graph takes no ID token."""
    token = web_client(probe).tokens(ordinary(probe.emulator))["id_token"]

    assert probe.get("/v1.0/me", Authorization=f"Bearer {token}").status == 401
