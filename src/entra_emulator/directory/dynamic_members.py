"""
The members of groups and administrative units with a membership rule.

"When the attributes of a user or a device change, the system evaluates all rules for dynamic
membership groups" ("Manage rules for dynamic membership groups in Microsoft Entra ID"). Here that
happens at the end of the transaction that changed them. What fills a directory is no change, and
brings its members along.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from entra_emulator.directory.changes import Change, Changes
from entra_emulator.directory.links import LinkQuery, Links
from entra_emulator.directory.object_collections import Collections
from entra_emulator.directory.objects import Objects, StoredObject
from entra_emulator.directory.store import Store
from entra_emulator.directory.tables import FOLLOWS_RULE
from entra_emulator.model.kinds import BY_NUMBER
from entra_emulator.model.membership_rule import MembershipRule, MembershipRuleError, read_rule
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode

_SUBJECTS = frozenset({"user", "device"})
_HOLDERS = frozenset({"group", "administrativeUnit"})

# The properties that decide whether, and by which rule, members are chosen.
_DECIDING = frozenset(
    {"groupTypes", "membershipRule", "membershipRuleProcessingState", "membershipType"}
)


class _Ruled(msgspec.Struct):
    """What of a group or an administrative unit says whether, and how, members are chosen."""

    groupTypes: list[str] = []  # noqa: N815 - Graph's name
    membershipRule: str | None = None  # noqa: N815 - Graph's name
    membershipType: str | None = None  # noqa: N815 - Graph's name


_decode_ruled = msgspec.json.Decoder(_Ruled).decode


class _Holder(NamedTuple):
    """A group or an administrative unit, and its rule."""

    row: StoredObject
    rule: MembershipRule


class DynamicMembers:
    """Lets members follow the rules that are processed; a rule that is paused changes nobody."""

    def __init__(
        self,
        store: Store,
        objects: Objects,
        collections: Collections,
        links: Links,
        changes: Changes,
    ) -> None:
        self._store, self._objects, self._collections = store, objects, collections
        self._links, self._changes = links, changes
        store.before_commit.append(self._follow)

    def list_holders(self, tenant: Tenant) -> list[StoredObject]:
        """The groups and administrative units whose rule is active, with their summaries."""
        rows = self._store.read(
            f"SELECT o.kind, o.seq, o.face FROM object AS o WHERE o.tenant = ? "  # noqa: S608 - constants
            f"AND {FOLLOWS_RULE.format('o.')}",
            (tenant.number,),
        )
        return [StoredObject(BY_NUMBER[number].name, seq, face) for number, seq, face in rows]

    def _follow(self) -> None:
        """Apply the rules to the changes of this transaction."""
        # New members are changes too, and members of one group may be those of another.
        while noted := self._changes.take_noted():
            tenants = {tenant.number: tenant for tenant, _ in noted}
            for number, tenant in tenants.items():
                changes = [change for one, change in noted if one.number == number]
                self._follow_in(tenant, changes)

    def _follow_in(self, tenant: Tenant, changes: list[Change]) -> None:
        holders = list(self._read_rules(tenant))
        if not holders:
            return
        changed = {
            change.seq for change in changes if change.kind in _HOLDERS and _is_rule_changed(change)
        }
        for holder in holders:
            if holder.row.seq in changed:
                self._fill(tenant, holder)
        subjects = {
            (change.kind, change.seq): None for change in changes if _is_subject_changed(change)
        }
        for kind, seq in subjects:
            self._try_subject(tenant, kind, seq, holders)
        takers = [holder for holder in holders if holder.rule.groups]
        for change in changes if takers else ():
            if change.kind == "group" and change.what == "linked" and "members" in change.names:
                self._pass_on(tenant, change, takers)

    def _read_rules(self, tenant: Tenant) -> Iterator[_Holder]:
        for row in self.list_holders(tenant):
            ruled = _decode_ruled(row.doc)
            dynamic = "DynamicMembership" in ruled.groupTypes or ruled.membershipType == "Dynamic"
            try:
                rule = read_rule(ruled.membershipRule or "")
            except MembershipRuleError:
                # An imported tenant may have a rule that is not understood here: it keeps the
                # members that it came with.
                continue
            if dynamic:
                yield _Holder(row, rule)

    def _fill(self, tenant: Tenant, holder: _Holder) -> None:
        """Make exactly those objects members that the rule selects."""
        chosen = {row.seq: row for row in self._choose(tenant, holder.rule)}
        present = self._links.list_neighbours(tenant, LinkQuery("members", holder.row.seq))
        for row in present:
            if row.seq not in chosen:
                self._links.remove(tenant, "members", holder.row, row)
        known = {row.seq for row in present}
        for seq, row in chosen.items():
            if seq not in known:
                self._links.add(tenant, "members", holder.row, row)

    def _choose(self, tenant: Tenant, rule: MembershipRule) -> Iterator[StoredObject]:
        """All objects that a rule selects."""
        if rule.manager:
            manager = self._objects.find(tenant, rule.manager, kind="user")
            if manager is not None:
                reports = LinkQuery("manager", manager.seq, reverse=True, kinds=("user",))
                yield from self._links.list_neighbours(tenant, reports)
            return
        for key in rule.groups:
            group = self._objects.find(tenant, key, kind="group")
            if group is not None:
                members = LinkQuery("members", group.seq, kinds=(rule.kind,))
                yield from self._links.list_neighbours(tenant, members)
        if rule.groups:
            return
        now = self._store.clock.now()
        for position, doc in self._collections.scan(tenant, rule.kind):
            if rule.matches(_decode(doc), now):
                yield StoredObject(rule.kind, position.seq, doc)

    def _try_subject(self, tenant: Tenant, kind: str, seq: int, holders: list[_Holder]) -> None:
        """Apply the rules to a user or device that has changed."""
        state = self._changes.read_state(tenant, kind, seq)
        if state.doc is None or state.deleted:
            return
        subject, record = StoredObject(kind, seq, state.doc), _decode(state.doc)
        containing = LinkQuery("members", seq, reverse=True, kinds=tuple(_HOLDERS))
        present = {row.seq for row in self._links.list_neighbours(tenant, containing)}
        above = LinkQuery("manager", seq)
        managers = {_decode(r.doc)["id"] for r in self._links.list_neighbours(tenant, above)}
        now = self._store.clock.now()
        for row, rule in holders:
            # Rules about the members of another group are applied when that group changes.
            if rule.kind != kind or rule.groups:
                continue
            matches = rule.manager in managers if rule.manager else rule.matches(record, now)
            if matches and row.seq not in present:
                self._links.add(tenant, "members", row, subject)
            elif not matches and row.seq in present:
                self._links.remove(tenant, "members", row, subject)

    def _pass_on(self, tenant: Tenant, change: Change, takers: list[_Holder]) -> None:
        """Add a new member of a group to the groups whose rule includes that group's members."""
        # "Membership of a memberOf dynamic group doesn't automatically update when … members are
        # removed from a child group" (preview limitations of memberOf).
        for row, rule in takers:
            if change.id not in rule.groups:
                continue
            assert change.target is not None, "a link has two ends"
            query = LinkQuery("members", change.seq, kinds=(rule.kind,))
            linked = self._links.list_neighbours(tenant, query, after=change.target - 1, limit=1)
            if linked and linked[0].seq == change.target:
                self._links.add(tenant, "members", row, linked[0])


def _is_rule_changed(change: Change) -> bool:
    if change.what == "updated":
        return not _DECIDING.isdisjoint(change.names)
    return change.what in {"created", "restored"}


def _is_subject_changed(change: Change) -> bool:
    if change.kind not in _SUBJECTS:
        return False
    if change.what in {"linked", "unlinked"}:
        return "manager" in change.names
    return change.what in {"created", "updated", "restored"}
