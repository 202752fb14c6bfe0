"""Tokens that Graph takes back, or that are older than what was granted: renewed once, and on."""

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from entra_emulator.clock import Clock
from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.token import Demand, Token, TokenSource
from graphdaemon.client.client import Client
from graphdaemon.errors import GraphError
from graphdaemon.graph.claims_challenge import read_challenge
from graphdaemon.graph.graph import Graph
from graphdaemon.http.response import Headers
from graphdaemon.http.transport import Transport
from graphdaemon.settings.read import read_settings
from tests.support.client_app import register
from tests.support.scripted_listing import listing
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page

CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1772357411"}}}'


def challenge(text: str) -> str:
    return (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/'
        f'authorize", error="insufficient_claims", claims="{text}"'
    )


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


READ: dict[str, tuple[list[str], str | None]] = {
    "as documented": ([challenge(encode(CLAIMS))], CLAIMS),
    "padding lost": ([challenge(encode(CLAIMS).rstrip("="))], CLAIMS),
    "several": (["Basic realm=x", challenge(encode(CLAIMS))], CLAIMS),
    "url-safe": (
        [challenge(base64.urlsafe_b64encode(b'{"a":"\xc3\xbf?>"}').decode())],
        '{"a":"ÿ?>"}',
    ),
    "none": (["Bearer error=invalid_token"], None),
    "no header": ([], None),
    "not base64": ([challenge("a")], None),
    "not JSON": ([challenge(encode("hello"))], None),
    "not an object": ([challenge(encode("[]"))], None),
    "not text": ([challenge(base64.b64encode(b"\xff\xfe").decode())], None),
}


@pytest.mark.parametrize(("headers", "claims"), READ.values(), ids=READ.keys())
def test_a_challenge_is_read_or_ignored(headers: list[str], claims: str | None) -> None:
    """Whatever form the header has, it is understood, or the 401 is an ordinary one."""
    challenges = Headers(("WWW-Authenticate", header) for header in headers)

    assert read_challenge(challenges) == claims


def settings_of(server: ScriptedServer, **changes: Any) -> Any:
    return read_settings(None, {}, server.settings(**changes))


async def _list(settings: Any) -> list[dict[str, Any]]:
    async with Client(settings) as client:
        return [user async for user in client.list("users")]


def test_claims_are_demanded_of_the_token_service_once(scripted: ScriptedServer) -> None:
    """They go into the request, beside what the client can do; a second 401 is the end."""
    scripted.script = [Answer(401, headers={"WWW-Authenticate": challenge(encode(CLAIMS))})]

    with pytest.raises(GraphError) as caught:
        asyncio.run(_list(settings_of(scripted)))

    first, second = (parse_qs(one.body.decode())["claims"] for one in scripted.token_requests)
    able = {"values": ["cp1"]}
    assert json.loads(first[0]) == {"access_token": {"xms_cc": able}}
    nbf = {"essential": True, "value": "1772357411"}
    assert json.loads(second[0]) == {"access_token": {"xms_cc": able, "nbf": nbf}}
    assert caught.value.code == "token_refused"
    assert len(scripted.requests) == 2


def test_an_issuer_of_its_own_is_not_told_of_microsofts_capabilities(
    scripted: ScriptedServer,
) -> None:
    """`claims` belongs to OpenID Connect's own vocabulary there, and may be refused."""
    scripted.script = [page()]
    issuer = {"authority": None, "oidc_authority": settings_of(scripted).authority + "/v2.0"}

    listing(scripted, **issuer)

    assert "claims" not in parse_qs(scripted.token_requests[0].body.decode())


def test_a_listing_survives_the_revocation_of_its_token(
    key_pair: tuple[str, bytes], tmp_path: Path
) -> None:
    """An administrator revokes in the middle; the listing meets the challenge and goes on."""
    with Emulator(users=2500, clock=Clock()) as emulator:
        app = register(emulator, key_pair)
        settings = read_settings(
            None,
            {},
            {
                "authority": f"{emulator.url}/{emulator.tenant.id}",
                "client_id": app.client_id,
                "secret": app.secret,
                "scope": ["https://graph.microsoft.com/.default"],
                "endpoint": f"{emulator.url}/v1.0/users",
                "ca_file": str(emulator.ca_file),
            },
        )

        async def scenario() -> int:
            count = 0
            async with Client(settings) as client:
                async for page_ in client.pages("users"):
                    if not count:
                        emulator.clock.move(2)
                        emulator.directory.token_policies.revoke_tokens(
                            emulator.tenant, app.client_id
                        )
                    count += len(page_.records)
            return count

        assert asyncio.run(scenario()) == 2500


def test_what_was_granted_after_the_token_was_issued_is_found(scripted: ScriptedServer) -> None:
    """A 403 with an old token is tried once with a new one; with a fresh token it is the answer."""

    def answer(request: Request) -> Answer:
        granted = request.headers["authorization"] == "Bearer new"
        return json_answer({"id": "1"}) if granted else Answer(403)

    scripted.script = answer
    issued = [Token("old", time.time() + 3600, None, time.time() - 3000)]
    issued.append(Token("new", time.time() + 3600, None, time.time()))
    demands: list[Demand] = []

    def fetch(demand: Demand) -> Token:
        demands.append(demand)
        return issued[min(len(demands), len(issued)) - 1]

    async def get() -> dict[str, Any]:
        transport = Transport(ca_file=scripted.ca_file)
        try:
            graph = Graph(transport, TokenSource(fetch, transport.start))
            return await graph.get(f"{scripted.url}/v1.0/users/1", needs="User.Read.All")
        finally:
            transport.close()

    assert asyncio.run(get()) == {"id": "1"}
    assert len(scripted.requests) == 2

    del issued[0], demands[:]
    issued[0] = Token("fresh", time.time() + 3600, None, time.time())
    with pytest.raises(GraphError, match="403"):
        asyncio.run(get())
    assert len(demands) == 1
