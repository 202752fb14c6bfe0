"""Ten thousand requests to Graph, made from its own route table, without a network between."""

from __future__ import annotations

import json
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.directory.directory import Directory
from entra_emulator.faults.throttle import Throttle
from entra_emulator.graph.router import Endpoint
from entra_emulator.graph.routes import ROUTES
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Tenant
from entra_emulator.server.app import create_app
from entra_emulator.tokens.signing import KeyRing
from tests.support.asgi_line import Line, running_loop
from tests.support.emulator_probe import Answer
from tests.support.graph_pool import Pool
from tests.support.graph_requests import REFUSED, Request, choose_endpoint, encode, make_request
from tests.support.request_mistakes import make_mistake, spoil

CASES = int(os.environ.get("GRAPHDAEMON_FUZZ_CASES", "10000"))
SEED = int(os.environ.get("GRAPHDAEMON_FUZZ_SEED", "0"))
BATCHES = 20
# So many of the requests have a mistake, and so many are answered as asked, at least.
MISTAKEN, ACCEPTED = 0.35, 0.5
# So often a route is tried before its requests count as refused; what some use up is made again.
TRIES, ROUNDS = 10, 5

# In every record of the other tenant, and never to be seen from this one.
MARK = "fabrikam-only"
ROLES = """
    User.ReadWrite.All Group.ReadWrite.All Device.ReadWrite.All Application.ReadWrite.All
    Directory.ReadWrite.All AppRoleAssignment.ReadWrite.All User.DeleteRestore.All
    RoleManagement.ReadWrite.Directory AdministrativeUnit.ReadWrite.All Organization.Read.All
    DelegatedPermissionGrant.ReadWrite.All Domain.ReadWrite.All Policy.Read.All
    Policy.ReadWrite.ApplicationConfiguration AuditLog.Read.All
""".split()

# What is made before the first request, and how many; the first make what the others need.
PLANTED = (
    ("POST /applications", 12),
    ("POST /servicePrincipals", 8),
    ("POST /groups", 12),
    ("POST /users", 4),
    ("POST /directory/administrativeUnits", 6),
    ("POST /directoryRoles", 4),
    ("POST /domains", 3),
    ("POST /oauth2PermissionGrants", 4),
    ("POST /policies/appManagementPolicies", 4),
    ("POST /roleManagement/directory/roleDefinitions", 3),
    ("POST /roleManagement/directory/roleAssignments", 4),
    ("POST /applications/{key}/addPassword", 6),
    ("POST /servicePrincipals/{key}/addPassword", 6),
    ("POST /applications/{key}/appManagementPolicies/$ref", 3),
    ("POST /servicePrincipals/{key}/appManagementPolicies/$ref", 3),
    ("POST /applications/{key}/federatedIdentityCredentials", 6),
    ("POST /applications/{key}/owners/$ref", 4),
    ("POST /directory/administrativeUnits/{key}/members/$ref", 4),
    ("POST /directory/administrativeUnits/{key}/scopedRoleMembers", 4),
    ("POST /directoryRoles/{key}/members/$ref", 2),
    ("POST /groups/{key}/owners/$ref", 12),
    ("POST /groups/{key}/members/$ref", 6),
    ("POST /servicePrincipals/{key}/owners/$ref", 4),
    ("POST /groups/{key}/appRoleAssignments", 4),
    ("POST /servicePrincipals/{key}/appRoleAssignedTo", 4),
    ("POST /servicePrincipals/{key}/appRoleAssignments", 4),
    ("POST /users/{key}/appRoleAssignments", 4),
    ("DELETE /applications/{key}", 3),
    ("DELETE /directory/administrativeUnits/{key}", 2),
    ("DELETE /groups/{key}", 6),
    ("DELETE /servicePrincipals/{key}", 3),
    ("DELETE /users/{key}", 4),
    ("GET /auditLogs/directoryAudits", 2),
    ("GET /auditLogs/signIns", 2),
)


@dataclass(frozen=True)
class World:
    """Two tenants, and a token that is good for everything in the first."""

    line: Line
    token: str
    ours: Pool
    theirs: list[str]


@contextmanager
def open_world(keys: Path) -> Iterator[World]:
    directory = Directory(clock=Clock())
    tenant = seed_directory(directory, users=40, groups=8, devices=8)
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    strangers = [
        user | {"displayName": MARK, "userPrincipalName": f"{MARK}{n}@fabrikam.example"}
        for n, user in enumerate(draw_users(20, 99))
    ]
    directory.objects.fill(other, "user", strangers)
    directory.applications.register(other, MARK)
    ours = list_pool(directory, tenant)
    made = directory.applications.register(tenant, "Fuzzed")
    for role in ROLES:
        directory.applications.add_application_permission(tenant, made.app_id, role)
    directory.consents.grant_admin_consent(tenant, made.app_id)
    secret = directory.credentials.add_password(tenant, made.app_id).secret_text or ""
    throttle = Throttle(directory.clock, enabled=False)
    app = create_app(directory, KeyRing(keys, directory.clock), throttle=throttle)
    theirs = [one for ids in list_pool(directory, other).ids.values() for one in ids]
    with running_loop() as loop:
        line = Line(app, loop)
        form = (
            f"grant_type=client_credentials&client_id={made.app_id}&client_secret={quote(secret)}"
        )
        scope = "&scope=https://graph.microsoft.com/.default"
        path = f"/{tenant.id}/oauth2/v2.0/token".encode()
        answer = line.send("POST", path, body=(form + scope).encode())
        world = World(line, answer.json()["access_token"], ours, theirs)
        plant(random.Random(0), world)
        yield world
    app.state.context.issuers.close()
    directory.close()


def plant(draw: random.Random, world: World) -> None:
    """Make what most tenants have and the seed does not, each by a valid request."""
    routes = {name_route(one): one for one in ROUTES}
    for name, count in PLANTED:
        for _ in range(count):
            send_valid(draw, routes[name], world)


def send_valid(draw: random.Random, endpoint: Endpoint, world: World) -> Answer:
    """The answer to a request without a mistake, of which the pool learns."""
    arguments = encode(draw_valid(draw, endpoint, world), draw, world.token)
    answer = world.line.send(**arguments)
    learn(world.ours, endpoint, arguments, answer)
    return answer


def list_pool(directory: Directory, tenant: Tenant) -> Pool:
    """What there is in the tenant before the first request."""
    records = {
        kind: [json.loads(doc) for _, doc in directory.collections.scan(tenant, kind)]
        for kind in KINDS
    }
    graph = next((one for one in records["servicePrincipal"] if one["appId"] == GRAPH_APP_ID), None)
    ids = {kind: [one["id"] for one in rows] for kind, rows in records.items()}
    grants = directory.consents.list_grants(tenant)
    assignments = directory.role_assignments.list_all(tenant)
    skus = directory.licences.list_skus(tenant)
    keys = {
        "userPrincipalName": [one["userPrincipalName"] for one in records["user"]],
        "grant": [one["id"] for one in grants],
        "role": [one["id"] for one in directory.role_definitions.list_all(tenant)],
        "roleAssignment": [one["id"] for one in assignments],
        "unified": [one["id"] for one in records["group"] if "Unified" in one["groupTypes"]],
        "policy": [one["id"] for one in directory.app_management_policies.list_all(tenant)],
        "domain": list(tenant.domains),
        "organization": [tenant.id],
        "sku": [one["id"] for one in skus],
        "skuId": [one["skuId"] for one in skus],
        "graph": [graph["id"]] if graph else [],
        "appRoleId": [one["id"] for one in graph["appRoles"][:20]] if graph else [],
    }
    return Pool(ids, keys)


# The caller is nobody's user, none of what is drawn is linked, and no device is in the bin.
UNTRIED = re.compile(
    r"\w+ /me\b.*|GET .*\{target\}.*"
    # Of the beta version alone, and by keys that only a sign-in makes.
    r"|GET /reports/\w+/\{key\}"
    r"|.*deletedItems/microsoft\.graph\.device/\{key\}.*"
    r"|.*deletedItems/\{key\}/microsoft\.graph\.device.*"
)


def test_every_route_is_sent_requests_that_it_accepts(keys: Path) -> None:
    """A route that has no valid body, key or options in the generators is named."""
    draw = random.Random(0)
    waiting = [one for one in ROUTES if not UNTRIED.fullmatch(name_route(one))]
    waiting = [one for one in waiting if name_route(one) not in REFUSED]
    refusals: dict[str, object] = {}
    with open_world(keys) as world:
        for _ in range(ROUNDS):
            plant(draw, world)
            refusals = {
                name_route(one): refusal
                for one in waiting
                if (refusal := find_refusal(draw, one, world)) is not None
            }
            waiting = [one for one in waiting if name_route(one) in refusals]

    lines = "\n".join(f"{name}: {refusal}" for name, refusal in refusals.items())
    assert not refusals, f"tests/support/graph_requests.py makes no valid requests for\n{lines}"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        # The generators know no such ending, so that the body is missing.
        ("/users/{key}/assignLicense/", "status=400"),
        ("/$ref", "no request could be made"),
    ],
)
def test_a_route_without_a_generator_counts_as_refused(keys: Path, path: str, told: str) -> None:
    """Whether its requests are refused or cannot be made."""
    lacking = Endpoint("POST", path, ROUTES[0].answer)
    with open_world(keys) as world:
        assert told in str(find_refusal(random.Random(0), lacking, world))


@pytest.mark.nightly
@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_requests(keys: Path, capsys: pytest.CaptureFixture[str], batch: int) -> None:
    """No request is answered 500, takes long, or shows anything of another tenant."""
    draw = random.Random(f"{SEED} {batch}")
    accepted, cases = 0, max(1, CASES // BATCHES)
    with open_world(keys) as world:
        for number in range(cases):
            endpoint = choose_endpoint(draw, ROUTES)
            arguments = draw_arguments(draw, endpoint, world)
            started = time.monotonic()
            answer = world.line.send(**arguments)
            told = f"GRAPHDAEMON_FUZZ_SEED={SEED}, number {number} of batch {batch}: {arguments}"
            assert answer.status < 500 or answer.status == 501, f"{told}: {answer}"
            assert time.monotonic() - started < 30, told
            check_answer(arguments, answer, told)
            accepted += answer.status < 400
            learn(world.ours, endpoint, arguments, answer)
    with capsys.disabled():
        sys.stdout.write(f" {accepted / cases:.0%} accepted")
    assert cases < 100 or accepted / cases >= ACCEPTED


def name_route(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def find_refusal(draw: random.Random, endpoint: Endpoint, world: World) -> object:
    """Why none of several valid requests was accepted, or could be made; None if one was."""
    refusal: object = None
    for _ in range(TRIES):
        try:
            answer = send_valid(draw, endpoint, world)
        except (LookupError, ValueError) as error:
            return f"no request could be made: {error!r}"
        if answer.status < 400:
            return None
        refusal = answer
    return refusal


def draw_arguments(draw: random.Random, endpoint: Endpoint, world: World) -> dict[str, Any]:
    """A request, with a mistake in some."""
    if world.ours.links and draw.random() < 0.03:
        return follow(draw, endpoint, world)
    request = draw_valid(draw, endpoint, world)
    if draw.random() < MISTAKEN:
        return make_mistake(draw, request, world.token, world.theirs)
    return encode(request, draw, world.token)


def draw_valid(draw: random.Random, endpoint: Endpoint, world: World) -> Request:
    """A request without a mistake."""
    request = make_request(draw, endpoint, world.ours)
    if "$batch" in endpoint.path:
        request.body = {"requests": [draw_item(draw, world, n) for n in range(draw.randint(1, 4))]}
    return request


def follow(draw: random.Random, endpoint: Endpoint, world: World) -> dict[str, Any]:
    """A link of an earlier answer, now and then spoilt."""
    link = draw.choice(world.ours.links)
    if draw.random() < 0.2:
        link = spoil(draw, link)
    parts = urlsplit(link.replace("[", "%5B").replace("]", "%5D"))
    arguments = encode(Request(endpoint, "GET", "/users"), draw, world.token)
    path = (parts.path or "/").encode("utf-8", "replace")
    query = parts.query.encode("utf-8", "replace")
    arguments["headers"].append((b"consistencylevel", b"eventual"))
    return arguments | {"method": "GET", "path": path, "query": query, "body": b""}


def draw_item(draw: random.Random, world: World, number: int) -> dict[str, Any]:
    """A request inside a batch."""
    inner = make_request(draw, choose_endpoint(draw, ROUTES), world.ours)
    options = "&".join(f"{name}={value}" for name, value in inner.options.items())
    item: dict[str, Any] = {
        "id": str(number),
        "method": inner.method,
        "url": inner.path + (f"?{options}" if options else ""),
    }
    if inner.body is not None or inner.method in {"POST", "PATCH", "PUT"}:
        item |= {"body": inner.body or {}, "headers": {"Content-Type": "application/json"}}
    if draw.random() < 0.1:
        item["dependsOn"] = draw.choice([["0"], ["9"], "1", []])
    return item


def check_answer(arguments: dict[str, Any], answer: Answer, told: str) -> None:
    sent = arguments["path"] + arguments["query"] + arguments["body"]
    if MARK.encode() not in sent and not re.search(rb"filter|search", arguments["query"]):
        assert MARK.encode() not in answer.body, told
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    if is_json and answer.body and "content-encoding" not in answer.headers:
        assert ("error" in answer.json()) == (answer.status >= 400), told
    if answer.status == 204:
        assert not answer.body, told


def learn(ours: Pool, endpoint: Endpoint, arguments: dict[str, Any], answer: Answer) -> None:
    """Let later requests name what this one made."""
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    readable = is_json and answer.body and "content-encoding" not in answer.headers
    ours.note(endpoint, arguments, answer.status, answer.json() if readable else None)
