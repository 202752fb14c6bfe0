"""A directory that lives while a store follows it: edits, faults, jumps of the clock."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from entra_emulator.directory.objects import StoredObject
from entra_emulator.faults.fault import Fault
from tests.support.delta_scene import key_of
from tests.support.sync_scene import Documents, SyncScene, plain

DAY = 86_400.0
USERS, MEMBERS = "users", "groups/members"

# After these only a reconciliation can know everything: an event is lost for ever, or a page was
# answered by a replica that knew less than the delta link stands for.
LOSSY: tuple[dict[str, Any], ...] = ({"kind": "delta_drop"}, {"kind": "stale", "lag": 30.0})
FAULTS: tuple[dict[str, Any], ...] = (
    *LOSSY,
    *({"kind": kind} for kind in ("page_token", "empty_page", "short_page")),
    *({"kind": kind} for kind in ("delta_repeat", "delta_shuffle", "delta_reset")),
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429, "retry_after": 0},
    {"kind": "status", "status": 500, "html": True},
    {"kind": "reset", "when": "before"},
    {"kind": "reset", "when": "during"},
    {"kind": "truncated"},
    {"kind": "truncated", "framing": "length"},
    {"kind": "malformed"},
    {"kind": "latency", "delay": 0.01},
)
SELECTS = (
    ("id", "displayName", "userPrincipalName"),
    ("id", "displayName", "jobTitle", "otherMails"),
    ("id", "accountEnabled", "userPrincipalName", "displayName"),
)

CLEARED: tuple[dict[str, Any], ...] = (
    {"jobTitle": None},
    {"otherMails": []},
    {"otherMails": ["b@x.example", "a@x.example"]},
)


@dataclass
class SyncLife:
    """
    What happens to a tenant, drawn by chance.

    Attributes:
        lossy: Something was lost that no round will tell.
        moments: What the store held after each sync, by the time of its last run.
    """

    scene: SyncScene
    draws: random.Random
    lossy: bool = False
    users: list[StoredObject] = field(default_factory=list)
    groups: list[StoredObject] = field(default_factory=list)
    moments: dict[str, dict[str, Documents]] = field(default_factory=dict)

    def begin(self) -> None:
        self.scene.selected[USERS] = SELECTS[0]
        self.users += (self.scene.add("user") for _ in range(14))
        self.groups += (self.scene.add("group") for _ in range(3))
        for user in self.users[:8]:
            self.scene.link("members", self.groups[0], user)

    def edit(self) -> None:
        """One change of the directory; where chance names one that cannot be, none."""
        what = self.draws.choice(
            ("add", "rename", "clear", "delete", "purge", "restore", "link", "unlink", "group")
        )
        getattr(self, f"_{what}")()

    def disturb(self, count: int | None = None) -> None:
        """Order a fault for some of the next requests."""
        fields = self.draws.choice(FAULTS)
        self.lossy = self.lossy or fields in LOSSY
        count = count or self.draws.randint(1, 4)
        self.scene.probe.emulator.faults.fail_next(
            count, Fault(**fields), route="*", chance=0.5, seed=self.draws.randrange(2**30)
        )

    def jump(self) -> None:
        """Move Graph's clock ahead, perhaps beyond the life of a link."""
        self.scene.probe.emulator.clock.move(self.draws.choice((60.0, DAY, 8 * DAY)))

    def choose_select(self) -> None:
        self.scene.selected[USERS] = self.draws.choice(SELECTS)

    def calm(self) -> None:
        """Let no further request fail."""
        self.scene.probe.emulator.faults.clear()

    def assert_in_step(self) -> None:
        """The store holds what Graph lists; of members it may hold those that are in the bin."""
        self.scene.assert_in_step(USERS)
        listed, stored = self.scene.directory_now(MEMBERS), self.scene.stored(MEMBERS)
        alive = {key_of(user) for user in self.users if self._find(user) is not None}
        shown = {key: edge for key, edge in stored.items() if edge["child"] in alive}
        assert plain(shown) == plain(listed)
        parents = {key_of(group) for group in self.groups if self._find(group) is not None}
        assert {edge["parent"] for edge in stored.values()} <= parents

    def note_moment(self) -> None:
        """Remember what the store holds, by the time of the last run of each collection."""
        for name in (USERS, MEMBERS):
            self.moments.setdefault(name, {})[self.scene.last_run(name)] = self.scene.stored(name)

    def assert_history(self) -> None:
        """Of every moment the store says what it held then."""
        for name, moments in self.moments.items():
            for at, documents in moments.items():
                assert self.scene.as_of(at, name) == documents

    def _find(self, row: StoredObject) -> StoredObject | None:
        return self.scene.directory.objects.find(self.scene.tenant, key_of(row), kind=row.kind)

    def _choose_alive(self, rows: list[StoredObject]) -> StoredObject | None:
        alive = [found for row in rows if (found := self._find(row)) is not None]
        return self.draws.choice(alive) if alive else None

    def _add(self) -> None:
        self.users.append(self.scene.add("user", jobTitle="New"))

    def _group(self) -> None:
        self.groups.append(self.scene.add("group"))

    def _rename(self) -> None:
        if user := self._choose_alive(self.users):
            # Numbers may be drawn twice; no two users may have one name.
            name = f"n{self.draws.randrange(10**9)}-{key_of(user)[-12:]}"
            self.scene.update(
                user, displayName=name.upper(), userPrincipalName=f"{name}@contoso.example"
            )

    def _clear(self) -> None:
        if user := self._choose_alive(self.users):
            values = dict(self.draws.choice(CLEARED))
            self.scene.update(user, **values)

    def _delete(self) -> None:
        if row := self._choose_alive(self.users + self.groups[1:]):
            self.scene.delete(row, forever=self.draws.random() < 0.3)

    def _purge(self) -> None:
        for row in self.users:
            deleted = self.scene.directory.recycle_bin.find(self.scene.tenant, key_of(row))
            if deleted is not None:
                self.scene.directory.recycle_bin.purge(self.scene.tenant, deleted)
                return

    def _restore(self) -> None:
        for row in self.groups + self.users:
            deleted = self.scene.directory.recycle_bin.find(self.scene.tenant, key_of(row))
            if deleted is not None:
                self.scene.directory.recycle_bin.restore(self.scene.tenant, deleted)
                return

    def _link(self) -> None:
        group, user = self._choose_alive(self.groups), self._choose_alive(self.users)
        if group and user:
            self.scene.directory.links.add(self.scene.tenant, "members", group, user)

    def _unlink(self) -> None:
        group, user = self._choose_alive(self.groups), self._choose_alive(self.users)
        if group and user:
            self.scene.directory.links.remove(self.scene.tenant, "members", group, user)
