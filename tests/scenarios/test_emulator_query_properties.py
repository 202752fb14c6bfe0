"""Random directories, random queries: every page together is what the query means."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.faults.throttle import Throttle
from entra_emulator.model.records import Record
from entra_emulator.server.app import create_app
from entra_emulator.tokens.signing import KeyRing
from tests.support.asgi_line import Line, running_loop

TENANT = "c4a9b9d8-5d75-4210-b088-9e08b3840d68"
EXAMPLES = settings(max_examples=60, suppress_health_check=list(HealthCheck))

Meaning = Callable[[Mapping[str, Any]], bool]

# Few letters, so that values meet; cased, accented and of other alphabets, so that folding counts.
LETTERS = st.sampled_from("aAbBzZ09_-'üÜßжЖ王")
WORDS = st.text(LETTERS, min_size=1, max_size=4)
OPTIONAL = st.none() | WORDS


@dataclass
class World:
    """An application over a directory that each example fills anew."""

    line: Line
    directory: Directory
    token: str

    def fill(self, kind: str, records: list[Record]) -> None:
        self.directory.clear()
        tenant = self.directory.tenants.create("Contoso", ("contoso.example",), tenant_id=TENANT)
        self.directory.objects.fill(tenant, kind, records)

    def walk(self, path: str, options: str, *, advanced: bool = False) -> list[Record]:
        """Every record of every page, and no page longer than asked for."""
        headers = [(b"authorization", f"Bearer {self.token}".encode())]
        if advanced:
            headers.append((b"consistencylevel", b"eventual"))
            options += "&$count=true"
        found: list[Record] = []
        while True:
            answer = self.line.send("GET", path.encode(), query=options.encode(), headers=headers)
            assert answer.status == 200, (options, answer.body)
            page = answer.json()
            found += page["value"]
            if "@odata.nextLink" not in page:
                return found
            options = urlsplit(page["@odata.nextLink"]).query


@pytest.fixture(scope="module")
def world(keys: Path) -> Iterator[World]:
    directory = Directory(clock=Clock())
    tenant = seed_directory(directory, users=0)
    assert tenant.id == TENANT
    made = directory.applications.register(tenant, "Lister")
    directory.applications.add_application_permission(tenant, made.app_id, "Directory.Read.All")
    directory.consents.grant_admin_consent(tenant, made.app_id)
    secret = directory.credentials.add_password(tenant, made.app_id).secret_text or ""
    throttle = Throttle(directory.clock, enabled=False)
    app = create_app(directory, KeyRing(keys, directory.clock), throttle=throttle)
    with running_loop() as loop:
        line = Line(app, loop)
        form = (
            f"grant_type=client_credentials&client_id={made.app_id}&client_secret={quote(secret)}"
            "&scope=https://graph.microsoft.com/.default"
        )
        path = f"/{tenant.id}/oauth2/v2.0/token".encode()
        token = line.send("POST", path, body=form.encode()).json()["access_token"]
        yield World(line, directory, token)
    app.state.context.issuers.close()
    directory.close()


@st.composite
def users(draw: st.DrawFn) -> list[Record]:
    """Users with distinct sign-in names, whatever the case of their letters."""
    aliases = draw(st.lists(WORDS, max_size=25, unique_by=str.casefold))
    return [
        {
            "id": f"00000000-0000-4000-8000-{number:012}",
            "userPrincipalName": f"{alias}@contoso.example",
            "displayName": draw(WORDS),
            "department": draw(OPTIONAL),
            "accountEnabled": draw(st.booleans()),
            "proxyAddresses": draw(st.lists(WORDS.map("SMTP:".__add__), max_size=2)),
        }
        for number, alias in enumerate(aliases)
    ]


def fold(value: Any) -> str:
    return str(value).casefold()


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@st.composite
def conditions(draw: st.DrawFn, depth: int = 0) -> tuple[str, Meaning]:
    """A filter and what it means, made side by side: the meaning never looks at the text."""
    choice = draw(
        st.sampled_from("equal starts range flag any and or".split()[: 5 + 2 * (depth < 2)])
    )
    if choice in {"and", "or"}:
        (left, one), (right, other) = draw(conditions(depth + 1)), draw(conditions(depth + 1))
        if choice == "and":
            return f"({left}) and ({right})", lambda user: one(user) and other(user)
        return f"({left}) or ({right})", lambda user: one(user) or other(user)
    value = draw(WORDS)
    if choice == "flag":
        flag = draw(st.booleans())
        return f"accountEnabled eq {str(flag).lower()}", lambda u: u["accountEnabled"] is flag
    if choice == "any":
        text = f"proxyAddresses/any(p:p eq {quoted('smtp:' + value)})"
        return text, lambda u: fold("smtp:" + value) in map(fold, u["proxyAddresses"])
    name = draw(st.sampled_from(["displayName", "userPrincipalName", "department"]))
    if choice == "range":
        name = "displayName" if name == "department" else name
        low, high = draw(WORDS), draw(WORDS)
        text = f"{name} ge {quoted(low)} and {name} le {quoted(high)}"
        return text, lambda u: fold(low) <= fold(u[name]) <= fold(high)
    if choice == "starts":
        return (
            f"startswith({name},{quoted(value)})",
            lambda u: u[name] is not None and fold(u[name]).startswith(fold(value)),
        )
    return (
        f"{name} eq {quoted(value)}",
        lambda u: u[name] is not None and fold(u[name]) == fold(value),
    )


@EXAMPLES
@given(
    everybody=users(),
    condition=st.none() | conditions(),
    select=st.none() | st.lists(st.sampled_from("id displayName department".split()), min_size=1),
    order=st.sampled_from([None, "displayName", "displayName desc", "userPrincipalName desc"]),
    top=st.integers(1, 12),
)
def test_every_page_together(
    world: World,
    everybody: list[Record],
    condition: tuple[str, Meaning] | None,
    select: list[str] | None,
    order: str | None,
    top: int,
) -> None:
    """Walking all pages gives what a straightforward evaluation over the same objects gives."""
    world.fill("user", everybody)
    options, expected = [f"$top={top}"], everybody
    if condition:
        options.append("$filter=" + quote(condition[0], safe=""))
        expected = [user for user in everybody if condition[1](user)]
    if select:
        options.append(f"$select={','.join(['id', *select])}")
    if order:
        options.append("$orderby=" + quote(order))
        name, _, direction = order.partition(" ")
        expected = sorted(
            expected, key=lambda u: (fold(u[name]), u["id"]), reverse=direction == "desc"
        )

    found = world.walk("/v1.0/users", "&".join(options), advanced=bool(condition and order))

    ids = [user["id"] for user in found]
    wanted = [user["id"] for user in expected]
    assert (ids if order else sorted(ids)) == (wanted if order else sorted(wanted))
    known = {user["id"]: user for user in everybody}
    for user in found:
        assert all(known[user["id"]].get(name) == user[name] for name in select or ["displayName"])
        assert select is None or list(user) == list(dict.fromkeys(["id", *select]))


@EXAMPLES
@given(
    records=st.lists(WORDS, max_size=30),
    bounds=st.lists(WORDS, min_size=1, max_size=5),
    top=st.integers(1, 9),
)
@pytest.mark.parametrize(
    ("kind", "path", "name"),
    [
        ("user", "/v1.0/users", "userPrincipalName"),
        ("group", "/v1.0/groups", "displayName"),
        ("device", "/v1.0/devices", "displayName"),
    ],
)
def test_closed_ranges_cover(
    world: World, kind: str, path: str, name: str, records: list[str], bounds: list[str], top: int
) -> None:
    """Closed ranges between any bounds, in any order, hold every object together."""
    objects = [
        {
            "id": f"00000000-0000-4000-8000-{number:012}",
            "displayName": word,
            "userPrincipalName": f"{word}{number}@contoso.example",
            "deviceId": f"d{number}",
            "mailNickname": "x",
        }
        for number, word in enumerate(records)
    ]
    world.fill(kind, objects)
    ranges = [f"{name} le {quoted(bounds[0])}"]
    ranges += [
        f"{name} ge {quoted(low)} and {name} le {quoted(high)}" for low, high in pairwise(bounds)
    ]
    ranges.append(f"{name} ge {quoted(bounds[-1])}")

    found = [
        item["id"]
        for text in ranges
        for item in world.walk(path, f"$top={top}&$filter={quote(text, safe='')}")
    ]

    assert set(found) == {item["id"] for item in objects}


def test_json_is_what_was_filled_in(world: World) -> None:
    """The properties above compare what the directory holds, unset ones included."""
    world.fill("user", [{"id": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "userPrincipalName": "a@b",
                         "displayName": "A", "department": None}])  # fmt: skip
    (user,) = world.walk("/v1.0/users", "$select=department,displayName")

    assert json.dumps(user) == '{"department": null, "displayName": "A"}'
