"""A tenant to register apps in, and a folder to register them from."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from entra_emulator.model.records import Tenant
from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.token import Token, TokenSource
from graphdaemon.graph.graph import Graph
from graphdaemon.graph.throttling.budget import Budget
from graphdaemon.http.transport import Transport
from graphdaemon.registration.admin_graph import AdminGraph, Change
from graphdaemon.registration.administrator import PUBLIC_CLIENT, Administrator, take_app
from graphdaemon.registration.apply import ApplyResult, Reconciler
from graphdaemon.registration.desired import DesiredState
from graphdaemon.registration.local_files import LocalFiles
from graphdaemon.registration.undo import undo
from graphdaemon.registration.verify import verify
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings, read_sign_in_settings
from tests.support.certificates_and_assertions import make_small_pair
from tests.support.emulator_probe import Probe, register
from tests.support.graph_writer import Writer, start_writer
from tests.support.user_flows import AZURE_CLI, NATIVE, Client, holder


def make_key(title: str, *, days: int) -> tuple[str, bytes]:
    """As the real one, but short: a key of 2048 bits takes a tenth of a second."""
    assert days == 365, "nothing else is asked for"
    return make_small_pair(title)


@dataclass
class Site:
    """One run after the other, against the same tenant, from the same folder."""

    emulator: Emulator
    folder: Path
    writer: Writer
    transport: Transport
    name: str = field(default_factory=lambda: f"app-{uuid4().hex[:8]}")
    output: str = "parameters.json"
    said: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    administrator: Administrator | None = None
    later: dt.timedelta = field(default_factory=dt.timedelta)

    @property
    def probe(self) -> Probe:
        return self.writer.app.probe

    def close(self) -> None:
        """Close what it opened; the next site opens it again."""
        self.transport.close()
        self.probe.close()

    def among_people(self) -> Site:
        """The same, in the tenant that has people who sign in."""
        app = register(self.probe, *_PERMISSIONS, name="Writer")
        return replace(self, writer=Writer(app, app.token()))

    @property
    def tenant(self) -> Tenant:
        return self.writer.app.tenant

    @property
    def tenant_settings(self) -> Settings:
        values = {
            "authority": f"{self.emulator.url}/{self.tenant.id}",
            "endpoint": f"{self.emulator.url}/v1.0/users",
            "ca_file": str(self.emulator.ca_file),
            "timeout": 5,
        }
        return read_sign_in_settings(PUBLIC_CLIENT, {}, {}, values)

    def desired(self, **values: Any) -> DesiredState:
        return DesiredState(**({"name": self.name} | values))

    def admin_graph(self) -> AdminGraph:
        administrator = self.administrator or self.as_app()
        budget = Budget(now=self.emulator.clock.now, sleep=self.sleep)
        graph = Graph(self.transport, administrator.tokens, budget=budget, sleep=self.sleep)
        settings = self.tenant_settings
        return AdminGraph(
            graph,
            settings.graph_root,
            as_app=administrator.as_app,
            authority=settings.authority,
            sleep=self.sleep,
        )

    def as_app(self) -> Administrator:
        """The tenant's own app that may write."""
        values = {
            "authority": f"{self.emulator.url}/{self.tenant.id}",
            "endpoint": f"{self.emulator.url}/v1.0/users",
            "client_id": self.writer.app.client_id,
            "secret": self.writer.app.secret,
            "ca_file": str(self.emulator.ca_file),
        }
        return take_app(read_settings(None, {}, values), self.transport)

    def sign_in(self, role: str | None, user: str | None = None) -> None:
        """Let somebody with this role do it, in Azure CLI's name."""
        user = user or holder(self.emulator, role or "")
        client = Client(self.probe, self.emulator.tenant, AZURE_CLI, NATIVE)
        tokens = client.tokens(user, "https://graph.microsoft.com/.default openid")
        token = Token(tokens["access_token"], 1e11, issued_at=1e11)
        source = TokenSource(lambda _: token, self.transport.start)
        self.administrator = Administrator(source, self.tenant_settings)

    def register(self, *, force: bool = False, **values: Any) -> ApplyResult:
        async def run() -> ApplyResult:
            return await self.reconciler(force=force, **values).apply()

        return asyncio.run(run())

    def plan(self, **values: Any) -> tuple[Change, ...]:
        async def run() -> tuple[Change, ...]:
            return await self.reconciler(**values).plan()

        return asyncio.run(run())

    def reconciler(self, *, force: bool = False, **values: Any) -> Reconciler:
        desired = self.desired(**values)
        files = LocalFiles(self.folder / self.output, desired, force=force)
        return Reconciler(
            desired,
            self.tenant_settings,
            self.admin_graph(),
            files,
            make=make_key,
            say=self.said.append,
            now=lambda: dt.datetime.now(dt.UTC) + self.later,
        )

    def prove(self, done: ApplyResult) -> str:
        settings = read_settings(self.folder / self.output, {}, {"timeout": 5})
        roles = () if done.consent_error else done.roles
        return asyncio.run(
            verify(settings, self.transport, roles, sleep=self.sleep, say=self.said.append)
        )

    def undo(self, *, purge: bool = False) -> bool:
        async def run() -> bool:
            desired = self.desired()
            files = LocalFiles(self.folder / self.output, desired)
            return await undo(self.admin_graph(), desired, files, purge=purge, say=self.said.append)

        return asyncio.run(run())

    async def sleep(self, seconds: float) -> None:
        """Time passes in the tenant, and not here."""
        self.waits.append(seconds)
        self.emulator.clock.move(seconds)
        await asyncio.sleep(0)

    @property
    def settings(self) -> dict[str, Any]:
        """What was written."""
        values: dict[str, Any] = json.loads((self.folder / self.output).read_text())
        return values

    @property
    def apps(self) -> list[dict[str, Any]]:
        """The apps of this name, as they are in truth."""
        condition = f"/applications?$filter=displayName%20eq%20'{self.name}'"
        applications: list[dict[str, Any]] = self.writer.get(condition)["value"]
        return applications

    @property
    def app(self) -> dict[str, Any]:
        (only,) = self.apps
        return only

    @property
    def principal(self) -> dict[str, Any]:
        path = f"/servicePrincipals(appId='{self.app['appId']}')"
        principal: dict[str, Any] = self.writer.get(path)
        return principal

    @property
    def roles(self) -> list[str]:
        """The app roles that it holds, by name."""
        graph = self.writer.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')")
        names = {role["id"]: role["value"] for role in graph["appRoles"]}
        path = f"/servicePrincipals/{self.principal['id']}/appRoleAssignments"
        return sorted(names[one["appRoleId"]] for one in self.writer.get(path)["value"])

    def describe(self) -> object:
        """All that a run may change, in the tenant and here."""
        files = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        return files, self.apps, self.principal, self.roles


def make_site(emulator: Emulator, folder: Path, transport: Transport | None = None) -> Site:
    folder.mkdir(exist_ok=True)
    transport = transport or Transport(ca_file=emulator.ca_file, timeout=60)
    return Site(emulator, folder, _writer(emulator), transport)


_PERMISSIONS = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All")
_WRITERS: dict[str, Writer] = {}


def _writer(emulator: Emulator) -> Writer:
    """One for each emulator: it costs a tenant."""
    if emulator.url not in _WRITERS:
        _WRITERS[emulator.url] = start_writer(Probe(emulator), *_PERMISSIONS)
    return _WRITERS[emulator.url]
