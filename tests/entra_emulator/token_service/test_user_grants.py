from __future__ import annotations

from collections.abc import Callable

import pytest

from entra_emulator.clock import Clock
from entra_emulator.errors.token_service import TOKEN_REFUSALS
from tests.support.emulator_probe import Answer, Probe
from tests.support.user_flows import (
    CHALLENGE,
    VERIFIER,
    native_client,
    ordinary,
    web_client,
)

Redeem = Callable[["Scene"], Answer]


class Scene:
    """A client with a fresh code, on a clock that a test may move."""

    def __init__(self, probe: Probe, clock: Clock) -> None:
        self.probe, self.clock = probe, clock
        self.client = native_client(probe, sign_in_audience="AzureADMultipleOrgs")
        self.user = ordinary(probe.emulator)

    def code(self, **changes: str | None) -> str:
        pkce = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        return self.client.visit(self.user, **(pkce | changes)).values["code"]

    def redeem(self, **changes: str | None) -> Answer:
        return self.client.redeem(**({"code_verifier": VERIFIER} | changes))


@pytest.fixture
def scene(launch: Callable[..., Probe]) -> Scene:
    clock = Clock(at=1_800_000_000)
    return Scene(launch(users=40, clock=clock), clock)


def redeem_twice(scene: Scene) -> Answer:
    code = scene.code()
    assert scene.redeem(code=code).status == 200
    return scene.redeem(code=code)


def redeem_late(scene: Scene) -> Answer:
    code = scene.code()
    scene.clock.move(600)
    return scene.redeem(code=code)


def redeem_elsewhere(scene: Scene) -> Answer:
    code = scene.code()
    path = "/common/oauth2/v2.0/token"
    return scene.probe.post(path, scene.client.form(code=code, code_verifier=VERIFIER))


def redeem_as_another(scene: Scene) -> Answer:
    code = scene.code()
    other = native_client(scene.probe)
    return other.redeem(code=code, code_verifier=VERIFIER)


def redeem_with_secret(scene: Scene) -> Answer:
    return scene.redeem(code=scene.code(), client_secret="x")


def redeem_as_web(scene: Scene) -> Answer:
    return web_client(scene.probe).redeem(code="x", client_secret=None)


def redeem_with_wrong_secret(scene: Scene) -> Answer:
    return web_client(scene.probe).redeem(code="x", client_secret="wrong")


def redeem_plainly(scene: Scene) -> Answer:
    code = scene.client.visit(scene.user).values["code"]
    return scene.redeem(code=code)


def redeem_at_version_1(scene: Scene) -> Answer:
    return scene.probe.post(f"/{scene.client.tenant.id}/oauth2/token", scene.client.form(code="x"))


def redeem_for_nobody(scene: Scene) -> Answer:
    """The user's sign-ins are revoked between code and redemption."""
    code = scene.code()
    scene.probe.emulator.directory.users.revoke_sign_ins(scene.client.tenant, scene.user)
    return scene.redeem(code=code)


AT_REDEMPTION: dict[str, tuple[Redeem, int, str, int]] = {
    "no code": (lambda s: s.redeem(), 400, "invalid_request", 900144),
    "no redirect URI": (
        lambda s: s.redeem(code="x", redirect_uri=None),
        400,
        "invalid_request",
        900144,
    ),
    "garbage": (lambda s: s.redeem(code="x"), 400, "invalid_grant", 9002313),
    "twice": (redeem_twice, 400, "invalid_grant", 54005),
    "late": (redeem_late, 400, "invalid_grant", 70008),
    "at another tenant": (redeem_elsewhere, 400, "invalid_grant", 700005),
    "as another client": (redeem_as_another, 400, "invalid_grant", 700007),
    "other redirect URI": (
        lambda s: s.redeem(code=s.code(), redirect_uri="http://localhost:1"),
        401,
        "invalid_client",
        500112,
    ),
    "no verifier": (
        lambda s: s.redeem(code=s.code(), code_verifier=None),
        400,
        "invalid_grant",
        50148,
    ),
    "wrong verifier": (
        lambda s: s.redeem(code=s.code(), code_verifier="w" * 43),
        400,
        "invalid_grant",
        501481,
    ),
    "verifier without challenge": (redeem_plainly, 400, "invalid_grant", 501481),
    "a secret of a public client": (redeem_with_secret, 401, "invalid_client", 700025),
    "no secret": (redeem_as_web, 401, "invalid_client", 7000218),
    "wrong secret": (redeem_with_wrong_secret, 401, "invalid_client", 7000215),
    "version 1": (redeem_at_version_1, 400, "unsupported_grant_type", 70003),
    "revoked": (redeem_for_nobody, 400, "invalid_grant", 50173),
}


@pytest.mark.parametrize("case", AT_REDEMPTION.values(), ids=AT_REDEMPTION)
def test_refused_at_redemption(scene: Scene, case: tuple[Redeem, int, str, int]) -> None:
    """A code is for one client, one address, one tenant, one time, and ten minutes."""
    make, status, error, code = case

    answer = make(scene)

    content = answer.json()
    assert (answer.status, content["error"], content["error_codes"]) == (status, error, [code])
    # Recorded: a code redeemed twice is refused without error_uri.
    assert ("error_uri" in content) == (code != 54005)
    assert content.get("suberror", "") == TOKEN_REFUSALS[code].suberror


def test_plain_challenge(scene: Scene) -> None:
    """A challenge without a method is the verifier itself."""
    code = scene.client.visit(scene.user, code_challenge=VERIFIER).values["code"]

    assert scene.redeem(code=code).status == 200
