import random
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Receive, Scope, Send

from entra_emulator.clock import Clock
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.objects import StoredObject
from entra_emulator.faults.fault import Fault
from entra_emulator.model import schema
from entra_emulator.model.records import Record, Tenant
from entra_emulator.server.app import create_app
from entra_emulator.server.settings import EmulatorSettings
from entra_emulator.tokens.signing import KeyRing
from entra_emulator.web.context import DeltaSettings
from entra_emulator.web.request_notes import notes_of
from tests.support.asgi_line import Line, running_loop
from tests.support.delta_follower import Follower
from tests.support.emulator_probe import Answer

DELTA = "/v1.0/{}/delta"
USER = ("displayName", "userPrincipalName", "jobTitle", "mobilePhone", "businessPhones", "id")
EDITS = (
    "create_user create_user create_group update_user update_user clear_user update_group "
    "delete restore purge remove link link link unlink manage wait"
).split()
READS = "users users groups groups everything".split()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing(tmp_path_factory.mktemp("keys") / "keys.pem", Clock())


class World:
    """A tenant that is edited at random, and three clients that follow it meanwhile."""

    def __init__(self, line: Line, directory: Directory) -> None:
        self.line, self.directory = line, directory
        self.tenant = directory.tenants.create(
            "Contoso", (f"c{len(directory.tenants.list_all())}.example",)
        )
        self.token = make_token(line, directory, self.tenant)
        self.made = 0
        self._populate()
        select = f"?$select={','.join(USER)},manager"
        self.followers = {
            "users": Follower(self.get, DELTA.format("users") + select),
            "groups": Follower(self.get, DELTA.format("groups")),
            "everything": Follower(
                self.get,
                DELTA.format("directoryObjects")
                + "?$filter=isof('microsoft.graph.user')%20or%20isof('microsoft.graph.group')",
            ),
        }

    def get(self, link: str, **headers: str) -> Answer:
        path, _, query = link.removeprefix("https://localhost").partition("?")
        sent = {"authorization": f"Bearer {self.token}", **headers}
        return self.line.send(
            "GET",
            path.encode(),
            query=query.encode(),
            headers=[(name.encode(), value.encode()) for name, value in sent.items()],
        )

    def edit(self, word: str, first: int, second: int) -> None:
        getattr(self, f"_{word}")(first, second)

    def read(self, word: str, first: int) -> None:
        headers = {"prefer": "return=minimal"} if first % 2 else {}
        self.followers[word].step(**headers)

    def live(self, kind: str) -> list[StoredObject]:
        return [
            StoredObject(kind, position.seq, doc)
            for position, doc in self.directory.collections.scan(self.tenant, kind)
        ]

    def _populate(self) -> None:
        """What was there before anybody looked, of which the journal knows nothing."""
        fill = self.directory
        users = fill.objects.fill(self.tenant, "user", [self._user("Old") for _ in range(5)])
        groups = fill.objects.fill(self.tenant, "group", [self._group("Old") for _ in range(2)])
        pairs = [(groups[0], user) for user in users]
        fill.links.fill("members", "group", "user", pairs)
        fill.links.fill("members", "group", "group", [(groups[1], groups[0])])
        fill.links.fill("manager", "user", "user", [(users[1], users[0])])

    def _new_id(self) -> str:
        self.made += 1
        return f"{self.tenant.number:08x}-0000-4000-8000-{self.made:012}"

    def _user(self, name: str) -> Record:
        key = self._new_id()
        user = {"id": key, "displayName": name, "userPrincipalName": f"u{key}@contoso.example"}
        return user | {"businessPhones": [], "jobTitle": "Clerk"}

    def _group(self, name: str) -> Record:
        return {"id": self._new_id(), "displayName": name, "mailNickname": "g"}

    def _create_user(self, first: int, _: int) -> None:
        self.directory.objects.create(self.tenant, "user", self._user(f"User {first}"))

    def _create_group(self, first: int, _: int) -> None:
        self.directory.objects.create(self.tenant, "group", self._group(f"Group {first}"))

    def _pick(self, kind: str, number: int) -> StoredObject | None:
        rows = self.live(kind)
        return rows[number % len(rows)] if rows else None

    def _update(self, kind: str, number: int, changes: dict[str, Any]) -> None:
        row = self._pick(kind, number)
        if row:
            key = msgspec.json.decode(row.doc)["id"]
            self.directory.objects.update(self.tenant, kind, key, changes)

    def _update_user(self, first: int, second: int) -> None:
        name = ("jobTitle", "mobilePhone", "displayName", "department")[second % 4]
        self._update("user", first, {name: f"{name} {second}", "businessPhones": [str(second)]})

    def _clear_user(self, first: int, second: int) -> None:
        self._update("user", first, {("jobTitle", "mobilePhone")[second % 2]: None})

    def _update_group(self, first: int, second: int) -> None:
        self._update("group", first, {"description": f"{second}" if second else None})

    def _delete(self, first: int, second: int) -> None:
        row = self._pick(("user", "user", "group")[second % 3], first)
        if row:
            self.directory.recycle_bin.delete(self.tenant, row)

    def _remove(self, first: int, second: int) -> None:
        row = self._pick(("user", "user", "group")[second % 3], first)
        if row:
            self.directory.recycle_bin.delete(self.tenant, row, forever=True)

    def _bin(self, first: int) -> Any:
        kinds = ("user", "group")
        rows = [
            row
            for kind in kinds
            for row in self.directory.recycle_bin.list_objects(self.tenant, kind)
        ]
        return rows[first % len(rows)] if rows else None

    def _restore(self, first: int, _: int) -> None:
        if item := self._bin(first):
            self.directory.recycle_bin.restore(self.tenant, item)

    def _purge(self, first: int, _: int) -> None:
        if item := self._bin(first):
            self.directory.recycle_bin.purge(self.tenant, item)

    def _link(self, first: int, second: int) -> None:
        group = self._pick("group", first)
        member = self._pick("group" if second % 5 == 0 else "user", second)
        if group and member:
            self.directory.links.add(self.tenant, "members", group, member)

    def _unlink(self, first: int, second: int) -> None:
        group = self._pick("group", first)
        if group:
            members = self.directory.links.list_neighbours(
                self.tenant, LinkQuery("members", group.seq)
            )
            if members:
                target = members[second % len(members)]
                self.directory.links.remove(self.tenant, "members", group, target)

    def _manage(self, first: int, second: int) -> None:
        user, boss = self._pick("user", first), self._pick("user", second)
        if user and boss:
            for held in self.directory.links.list_neighbours(
                self.tenant, LinkQuery("manager", user.seq)
            ):
                self.directory.links.remove(self.tenant, "manager", user, held)
            self.directory.links.add(self.tenant, "manager", user, boss)

    def _wait(self, first: int, _: int) -> None:
        self.directory.clock.move(first * 10)

    def expected(self, kind: str, names: tuple[str, ...], relation: str) -> Any:
        objects, links = {}, {}
        for row in self.live(kind):
            record = msgspec.json.decode(row.doc)
            objects[record["id"]] = {n: record[n] for n in names if n in record}
            others = self.directory.links.list_references(
                self.tenant, relation, row.seq, after=0, limit=-1
            )
            links[record["id"]] = {one.id for one in others}
        return objects, links

    def known(self, word: str, kind: str, relation: str) -> Any:
        """What a follower knows of one type."""
        follower = self.followers[word]
        typed = {f"#microsoft.graph.{kind}", None}
        objects = {
            key: {name: value for name, value in one.items() if name != "@odata.type"}
            for key, one in follower.objects.items()
            if one.get("@odata.type") in typed
        }
        return objects, {key: follower.links[key].get(relation, set()) for key in objects}


def make_token(line: Line, directory: Directory, tenant: Tenant) -> str:
    app = directory.applications.register(tenant, "Sync")
    directory.applications.add_application_permission(tenant, app.app_id, "Directory.Read.All")
    directory.consents.grant_admin_consent(tenant, app.app_id)
    secret = directory.credentials.add_password(tenant, app.app_id).secret_text
    form = (
        f"grant_type=client_credentials&client_id={app.app_id}&client_secret={secret}"
        "&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
    )
    answer = line.send(
        "POST",
        f"/{tenant.id}/oauth2/v2.0/token".encode(),
        body=form.encode(),
        headers=[(b"content-type", b"application/x-www-form-urlencoded")],
    )
    token: str = answer.json()["access_token"]
    return token


@dataclass
class Weather:
    """Every third answer repeats its objects, shuffles them, is empty, or is a minute old."""

    app: ASGIApp
    draws: random.Random
    fair: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        words = ["delta_repeat", "delta_shuffle", "empty_page"]
        faults = [Fault(kind=word) for word in words if self.draws.random() < 0.3]
        if not self.fair and self.draws.random() < 0.3:
            faults.append(Fault(kind="stale", lag=60.0))
        notes_of(scope).faults = tuple(faults)
        await self.app(scope, receive, send)


@given(
    script=st.lists(
        st.tuples(
            st.sampled_from([*EDITS, *EDITS, *READS]), st.integers(0, 11), st.integers(0, 11)
        ),
        min_size=20,
        max_size=80,
    ),
    page=st.integers(1, 4),
    links=st.integers(1, 4),
    seed=st.integers(0, 99),
)
@settings(max_examples=50)
def test_reconstruction(
    keys: KeyRing, script: list[tuple[str, int, int]], page: int, links: int, seed: int
) -> None:
    """Whoever follows the links while anything changes ends up with the very directory."""
    directory, draws = Directory(clock=Clock(at=1_800_000_000)), random.Random(seed)
    settings = EmulatorSettings(delta=DeltaSettings(page, links), token_lifetime=10**6)
    app = create_app(directory, keys, settings)
    weather = Weather(app, draws)
    with running_loop() as loop:
        world = World(Line(weather, loop), directory)
        for word, first, second in script:
            if word in READS:
                world.read(word, first)
            else:
                world.edit(word, first, second)
        weather.fair = True
        for follower in world.followers.values():
            follower.finish()
            follower.finish()
        users = world.expected("user", USER, "manager")
        groups = world.expected("group", schema.default("group"), "members")
        whole = world.expected("user", schema.default("user"), "manager")[0]
        assert world.known("users", "user", "manager") == users
        assert world.known("groups", "group", "members") == groups
        assert world.known("everything", "user", "members")[0] == whole
        assert world.known("everything", "group", "members") == groups
    directory.close()
