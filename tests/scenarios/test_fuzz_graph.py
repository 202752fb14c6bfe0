"""Ten thousand requests to Graph, made from its own route table, without a network between."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory
from entra_emulator.faults.throttle import Throttle
from entra_emulator.graph.router import Endpoint
from entra_emulator.graph.routes import ROUTES
from entra_emulator.model.kinds import KINDS
from entra_emulator.server.app import create_app
from entra_emulator.tokens.signing import KeyRing
from tests.support.asgi_line import Line, running_loop
from tests.support.emulator_probe import Answer

CASES = int(os.environ.get("GRAPHDAEMON_FUZZ_CASES", "10000"))
SEED = int(os.environ.get("GRAPHDAEMON_FUZZ_SEED", "0"))
BATCHES = 20

# In every record of the other tenant, and never to be seen from this one.
MARK = "fabrikam-only"
ROLES = """
    User.ReadWrite.All Group.ReadWrite.All Device.ReadWrite.All Application.ReadWrite.All
    Directory.ReadWrite.All AppRoleAssignment.ReadWrite.All User.DeleteRestore.All
    RoleManagement.ReadWrite.Directory AdministrativeUnit.ReadWrite.All Organization.Read.All
    DelegatedPermissionGrant.ReadWrite.All Domain.ReadWrite.All
""".split()

OPTIONS = (
    "$select $filter $orderby $search $top $count $expand $skiptoken $deltatoken $format".split()
)
WORDS = """
    id displayName userPrincipalName mail members memberOf manager owners appId createdDateTime
    proxyAddresses/any(p:p accountEnabled * true false null eq ne not in and or ( ) ' , 1 0 -1 999
    1000 2020-01-01T00:00:00Z startswith( endswith( contains( any(x:x/$count $count latest "a:b"
    displayName:a desc asc $select=id; $levels=max 00000003-0000-0000-c000-000000000000 %00 %ff
    \u00e4 \U0001f600 /../ ' '' """.split()
HEADERS = [
    (b"consistencylevel", b"eventual"),
    (b"prefer", b"return=minimal"),
    (b"prefer", b"create-if-missing"),
    (b"accept", b"application/json;odata.metadata=none"),
    (b"accept-encoding", b"gzip"),
    (b"client-request-id", b"not a guid"),
    (b"x-ms-throttle-priority", b"low"),
    (b"content-type", b"text/plain"),
]


@dataclass(frozen=True)
class World:
    """Two tenants, and a token that is good for everything in the first."""

    line: Line
    token: str
    ours: list[str]
    theirs: list[str]


@pytest.fixture(scope="module")
def world(keys: Path) -> Iterator[World]:
    directory = Directory(clock=Clock())
    tenant = seed_directory(directory, users=40, groups=8, devices=8)
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    strangers = [
        user | {"displayName": MARK, "userPrincipalName": f"{MARK}{n}@fabrikam.example"}
        for n, user in enumerate(draw_users(20, 99))
    ]
    directory.objects.fill(other, "user", strangers)
    directory.applications.register(other, MARK)
    made = directory.applications.register(tenant, "Fuzzed")
    for role in ROLES:
        directory.applications.add_application_permission(tenant, made.app_id, role)
    directory.consents.grant_admin_consent(tenant, made.app_id)
    secret = directory.credentials.add_password(tenant, made.app_id).secret_text or ""
    throttle = Throttle(directory.clock, enabled=False)
    app = create_app(directory, KeyRing(keys, directory.clock), throttle=throttle)
    with running_loop() as loop:
        line = Line(app, loop)
        form = (
            f"grant_type=client_credentials&client_id={made.app_id}&client_secret={quote(secret)}"
        )
        scope = "&scope=https://graph.microsoft.com/.default"
        path = f"/{tenant.id}/oauth2/v2.0/token".encode()
        answer = line.send("POST", path, body=(form + scope).encode())
        ids = [
            [
                json.loads(doc)[name]
                for kind in KINDS.values()
                for _, doc in directory.collections.scan(one, kind.name)
                for name in {"id", kind.key}
                if json.loads(doc).get(name)
            ]
            for one in (tenant, other)
        ]
        yield World(line, answer.json()["access_token"], *ids)
    app.state.context.issuers.close()
    directory.close()


@pytest.mark.nightly
@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_requests(world: World, batch: int) -> None:
    """No request is answered 500, takes long, or shows anything of another tenant."""
    draw = random.Random(f"{SEED} {batch}")
    for number in range(max(1, CASES // BATCHES)):
        request = make_request(draw, world)
        started = time.monotonic()
        answer = world.line.send(**request)
        told = f"GRAPHDAEMON_FUZZ_SEED={SEED}, number {number} of batch {batch}: {request}"
        assert answer.status < 500 or answer.status == 501, f"{told}: {answer}"
        assert time.monotonic() - started < 5, told
        check_answer(request, answer, told)


def check_answer(request: dict[str, Any], answer: Answer, told: str) -> None:
    sent = request["path"] + request["query"] + request["body"]
    if MARK.encode() not in sent and not re.search(rb"filter|search", request["query"]):
        assert MARK.encode() not in answer.body, told
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    if is_json and answer.body and "content-encoding" not in answer.headers:
        assert ("error" in answer.json()) == (answer.status >= 400), told
    if answer.status == 204:
        assert not answer.body, told


def make_request(draw: random.Random, world: World) -> dict[str, Any]:
    endpoint = draw.choice(ROUTES)
    method = (
        endpoint.method if draw.random() < 0.9 else draw.choice(["GET", "POST", "PUT", "TRACE"])
    )
    token = world.token if draw.random() < 0.95 else spoil(draw, world.token)
    headers = [(b"authorization", b"Bearer " + token.encode("utf-8", "replace"))]
    headers += draw.sample(HEADERS, draw.choice([0, 0, 1, 2]))
    return {
        "method": method,
        "path": make_path(draw, endpoint, world),
        "query": make_query(draw),
        "body": make_body(draw, endpoint, world),
        "headers": headers,
    }


def make_path(draw: random.Random, endpoint: Endpoint, world: World) -> bytes:
    path = re.sub(r"\{\w+\}", lambda _: quote(draw_key(draw, world), safe=""), endpoint.path)
    if draw.random() < 0.05:
        path = spoil(draw, path)
    version = draw.choice(["/v1.0", "/v1.0", "/beta", "/V1.0/myorganization"])
    return (version + path).encode("utf-8", "replace")


def draw_key(draw: random.Random, world: World) -> str:
    chance = draw.random()
    if chance < 0.6:
        return draw.choice(world.ours)
    return draw.choice(world.theirs) if chance < 0.8 else draw.choice(WORDS)


def make_query(draw: random.Random) -> bytes:
    parts = []
    for name in draw.sample(OPTIONS, draw.choice([0, 0, 1, 1, 2, 3])):
        value = draw.choice(["", " ", ","]).join(draw.choices(WORDS, k=draw.randint(0, 6)))
        parts.append(f"{name}={quote(value, safe='%$()=')}")
    return "&".join(parts).encode()


def make_body(draw: random.Random, endpoint: Endpoint, world: World) -> bytes:
    if endpoint.method == "GET" or draw.random() < 0.1:
        return draw.choice([b"", b"{", b"[]", b"null", b"\xff", b'"x"', b"1e999", b"[" * 5000])
    body = draw_object(draw, world, 0)
    if "$batch" in endpoint.path:
        body = {"requests": [draw_item(draw, world, n) for n in range(draw.randint(0, 4))]}
    return json.dumps(body).encode("utf-8", "surrogatepass")


def draw_item(draw: random.Random, world: World, number: int) -> Any:
    inner = make_request(draw, world)
    item: dict[str, Any] = {
        "id": draw.choice([str(number), "1", 7, None]),
        "method": inner["method"],
        "url": inner["path"].decode("utf-8", "replace").partition("/")[2].partition("/")[2],
    }
    if draw.random() < 0.3:
        item["dependsOn"] = draw.choice([["1"], ["9"], "1", []])
    if draw.random() < 0.5:
        item |= {
            "body": draw_object(draw, world, 0),
            "headers": {"Content-Type": "application/json"},
        }
    return item


PROPERTIES = """
    accountEnabled displayName mailNickname userPrincipalName passwordProfile mailEnabled
    securityEnabled groupTypes appId keyCredentials passwordCredential keyId ids types groupIds
    principalId resourceId appRoleId clientId consentType scope roleTemplateId name issuer subject
    audiences identifierUris requiredResourceAccess api appRoles @odata.id members@odata.bind
    securityEnabledOnly addLicenses removeLicenses businessPhones web proof id
""".split()


def draw_object(draw: random.Random, world: World, depth: int) -> dict[str, Any]:
    names = draw.sample(PROPERTIES, draw.randint(0, 7))
    return {name: draw_value(draw, world, depth) for name in names}


def draw_value(draw: random.Random, world: World, depth: int) -> Any:
    key = draw_key(draw, world)
    simple: list[Any] = [
        None, True, False, 0, -1, 1e300, "", "x", key, "a" * 300, draw.choice(WORDS),
        f"https://graph.microsoft.com/v1.0/directoryObjects/{key}",
        f"n{draw.getrandbits(20)}@contoso.example", "2030-01-01T00:00:00Z", [], {}, [key, key],
    ]  # fmt: skip
    if depth < 3 and draw.random() < 0.3:
        inner = draw_object(draw, world, depth + 1)
        return draw.choice([inner, [inner], [inner, inner], [key, inner]])
    return draw.choice(simple)


def spoil(draw: random.Random, text: str) -> str:
    at = draw.randrange(len(text))
    return draw.choice([text[:at], text[at:], text[:at] + draw.choice(WORDS) + text[at:], ""])
