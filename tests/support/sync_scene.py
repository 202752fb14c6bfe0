"""A tenant that changes, a store that follows it, and what both hold, each read by other means."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entra_emulator.model.records import Tenant as HomeTenant
from graphdaemon.client.client import Client
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.listing.options import ListingOptions
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from graphdaemon.store.store import open_store
from graphdaemon.sync.feed import Feed
from graphdaemon.sync.options import SyncOptions
from graphdaemon.sync.record import SyncRecord
from graphdaemon.sync.run import SyncReport, open_session, sync_collections
from graphdaemon.sync.session import Selected
from graphdaemon.sync.tenant import Tenant
from tests.support.delta_scene import Scene
from tests.support.emulator_probe import App, Probe, register

ROLES = ("Directory.Read.All",)
Documents = dict[str, dict[str, Any]]

# Few pages at a time, and small ones: a directory of twenty has several.
LISTING = ListingOptions(learn=False, chains=4, page_size=7)


@dataclass
class SyncScene(Scene):
    """A tenant of its own with an app that may read it, and the store that is kept of it."""

    app: App = field(kw_only=True)
    settings: Settings = field(kw_only=True)
    folder: Path = field(kw_only=True)
    selected: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attempts: int = 2

    store_url: str = ""

    @property
    def url(self) -> str:
        return self.store_url or f"sqlite:{self.folder / 'graphdaemon.db'}"

    def write_parameters(self) -> Path:
        """A settings file for the command, in the folder of the store."""
        path = self.folder / "parameters.json"
        values = {
            "authority": self.settings.authority,
            "client_id": self.app.client_id,
            "secret": self.app.secret,
            "scope": list(self.settings.scope),
            "endpoint": self.settings.endpoint,
            "ca_file": str(self.settings.ca_file),
        }
        path.write_text(json.dumps(values))
        path.chmod(0o600)
        return path

    def sync(self, name: str = "users", **options: Any) -> SyncRecord:
        """Sync one collection; its failure is raised."""
        report = self.sync_all(name, **options)
        (record,) = report.collections
        return record

    def sync_all(self, *names: str, feed: Feed | None = None, **options: Any) -> SyncReport:
        made = SyncOptions(**{"listing": LISTING, **options})
        tenant = Tenant(self.tenant.id, "contoso")
        selections = [
            Selected(stored, self.selected.get(name, stored.select))
            for name, stored in STORED_COLLECTIONS.items()
            if not names or name in names
        ]

        async def work() -> SyncReport:
            async with (
                Client(self.settings, attempts=self.attempts) as client,
                open_session(
                    client.graph,
                    self.settings.graph_root,
                    tenant,
                    made,
                    lambda: open_store(self.url),
                ) as session,
            ):
                report, failures = await sync_collections(
                    session, tenant, selections, named=bool(names), feed=feed
                )
            if failures:
                raise failures[0]
            return report

        return asyncio.run(work())

    def stored(self, name: str = "users") -> Documents:
        """What the store holds now."""
        table = STORED_COLLECTIONS[name].table
        rows = self.query(
            f"SELECT r.id, r.document FROM {table}_records AS r "
            "JOIN tenants AS t ON t.number = r.tenant WHERE t.id = :id",
            id=self.tenant.id,
        )
        documents = {key: json.loads(document) for key, document in rows}
        assert len(documents) == len(rows), "no row twice"
        return documents

    def as_of(self, at: str, name: str = "users") -> Documents:
        """What the store says that it held at a time."""
        table = STORED_COLLECTIONS[name].table
        rows = self.query(
            f"SELECT r.id, r.document FROM {table}_records AS r JOIN runs AS f "
            "ON f.number = r.run WHERE f.at <= :at "
            f"UNION ALL SELECT id, document FROM {table}_history "
            "WHERE valid_from <= :at AND :at < valid_to",
            at=at,
        )
        documents = {key: json.loads(document) for key, document in rows}
        assert len(documents) == len(rows), "one version at a time"
        return documents

    def last_run(self, name: str = "users") -> str:
        ((at,),) = self.query("SELECT max(at) FROM runs WHERE collection = :name", name=name)
        assert isinstance(at, str), "there is one"
        return at

    def changes(self, name: str = "users") -> list[tuple[str, str]]:
        """The kinds of all changes, in their order, with the ID of each."""
        return self.query(
            "SELECT kind, id FROM changes WHERE collection = :name ORDER BY sequence", name=name
        )

    def query(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        with open_store(self.url) as store:
            return store.database.fetch(sql, values)

    def directory_now(self, name: str = "users") -> Documents:
        """What Graph lists now, page after page, without the program."""
        # Whoever moved the clock needs a new one.
        self.token = self.app.token()
        stored = STORED_COLLECTIONS[name]
        select = self.selected.get(name, stored.select)
        if not stored.parent:
            return {one["id"]: one for one in self.list(f"/v1.0/{name}?$select={','.join(select)}")}
        documents: Documents = {}
        for parent in self.list(f"/v1.0/{stored.parent}?$select=id"):
            path = f"/v1.0/{stored.parent}/{parent['id']}/{stored.relation}"
            for child in self.list(path):
                if not stored.is_edge:
                    documents[child["id"]] = child
                    continue
                kind = child["@odata.type"].removeprefix("#microsoft.graph.")
                edge = {"parent": parent["id"], "child": child["id"], "kind": kind}
                documents[f"{parent['id']}/{child['id']}"] = edge
        return documents

    def list(self, target: str) -> Iterator[dict[str, Any]]:
        """Every object of a collection; none or one of a single object."""
        while target:
            answer = self.get(target)
            if answer.status == 404:
                return
            assert answer.status == 200, answer.body
            page = answer.json()
            if "value" not in page:
                yield page
                return
            yield from page["value"]
            target = page.get("@odata.nextLink", "")

    def assert_in_step(self, *names: str) -> None:
        """What is stored is what Graph lists, by value."""
        for name in names or ("users",):
            assert plain(self.stored(name)) == plain(self.directory_now(name))


def plain(documents: Documents) -> dict[str, dict[str, Any]]:
    """Documents without what makes no difference: what is not set, and the order of lists."""
    return {
        key: {
            name: _sort(value)
            for name, value in document.items()
            if value not in (None, []) and "@" not in name
        }
        for key, document in documents.items()
    }


def _sort(value: Any) -> Any:
    return sorted(value, key=json.dumps) if isinstance(value, list) else value


@contextmanager
def open_sync_scene(
    probe: Probe, folder: Path, *roles: str, tenant: HomeTenant | None = None
) -> Iterator[SyncScene]:
    """A tenant of an emulator, by default a new one; the faults that a test orders end with it."""
    emulator = probe.emulator
    number = len(emulator.directory.tenants.list_all())
    if tenant is None:
        tenant = emulator.directory.tenants.create("Contoso", (f"sync{number}.example",))
    app = register(probe, *(roles or ROLES), tenant=tenant)
    settings = read_settings(
        None,
        {},
        {
            "authority": f"{emulator.url}/{tenant.id}",
            "client_id": app.client_id,
            "secret": app.secret,
            "scope": ["https://graph.microsoft.com/.default"],
            "endpoint": f"{emulator.url}/v1.0/users",
            "ca_file": str(emulator.ca_file),
        },
    )
    try:
        yield SyncScene(probe, tenant, "", app=app, settings=settings, folder=folder)
    finally:
        emulator.faults.clear()
        emulator.clock.resume()
