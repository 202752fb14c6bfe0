"""
Make a tenant of files that were exported from a real one.

The files are read twice. The first reading checks every line before anything is stored, so that a
mistake in the last line leaves nothing behind; it also gives each object its number, which the
links of the second reading need.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from entra_emulator.clock import format_iso
from entra_emulator.content.export_files import (
    ORGANIZATION,
    ExportFileError,
    Item,
    Source,
    read_items,
)
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.sign_ins import read_last_sign_ins
from entra_emulator.model.applications import (
    GRAPH_APP_ID,
    MANAGEMENT_APP_ID,
    draft_application,
    draft_principal,
)
from entra_emulator.model.kinds import BY_NUMBER, KINDS
from entra_emulator.model.records import Record, Tenant

INITIAL = ".onmicrosoft.com"

# Every tenant here has them from the start, with everything they offer.
_BUILT_IN = frozenset({GRAPH_APP_ID, MANAGEMENT_APP_ID})

# The number of an object, and of its type.
_Numbers = tuple[int, int]


class Imported(NamedTuple):
    """
    What came of an import.

    Args:
        tenant: the new tenant.
        objects: how many there are of each type.
        links: how many links there are.
        lost: how many links led to objects that are in none of the files, and were left out.
    """

    tenant: Tenant
    objects: dict[str, int]
    links: int
    lost: int


class _FirstReading:
    """
    What the first reading of the files finds out.

    Attributes:
        places: of each ID the object's place in the order of import, and its type's number.
        built_in: the appIds of service principals that every tenant has, by ID.
        domains: how many user principal names are in each domain.
        licenses: how many users have each SKU.
        identifiers: the `servicePrincipalNames` of service principals, by appId.
        organization: the tenant's own record.
    """

    def __init__(self) -> None:
        self.places: dict[str, _Numbers] = {}
        self.built_in: dict[str, str] = {}
        self.domains: Counter[str] = Counter()
        self.licenses: Counter[str] = Counter()
        self.identifiers: dict[str, list[str]] = {}
        self.organization: Record = {}
        self._keys: set[str] = set()

    def note(self, item: Item) -> None:
        """
        Note an object.

        Raises:
            ExportFileError: there is another one of its ID or key.
        """
        if not item.record:
            return
        if item.kind == ORGANIZATION:
            self.organization = item.record
            return
        # Only its ID is of use, since others may be linked to it.
        if item.kind == "servicePrincipal" and item.record["appId"] in _BUILT_IN:
            self.built_in[item.id] = item.record["appId"]
            return
        if item.id in self.places:
            if item.links:  # more members of a large group
                return
            raise ExportFileError(
                f"{item.place}: {item.id} is there already. Remove one of the two."
            )
        self._check_key(item)
        self.places[item.id] = (len(self.places), KINDS[item.kind].number)
        if item.kind == "servicePrincipal":
            app_id = item.record["appId"].lower()
            self.identifiers[app_id] = item.record.get("servicePrincipalNames") or []
        if item.kind == "user":
            self.domains[item.record["userPrincipalName"].rpartition("@")[2].lower()] += 1
            for entry in item.record.get("assignedLicenses") or ():
                self.licenses[str(entry.get("skuId"))] += 1

    def _check_key(self, item: Item) -> None:
        kind = KINDS[item.kind]
        value = str(item.record.get(kind.key) or item.id).casefold()
        if kind.name == "user" and "@" not in value:
            raise ExportFileError(
                f"{item.place}: {value!r} is no user principal name. It is written name@domain."
            )
        if kind.unique:
            key = f"{kind.name} {value}"
            if key in self._keys:
                raise ExportFileError(
                    f"{item.place}: another {kind.name} has the {kind.key} {value!r}. Remove one "
                    "of the two."
                )
            self._keys.add(key)


def import_files(directory: Directory, sources: Iterable[Source]) -> Imported:
    """
    Make a tenant of the objects in these files, all or nothing.

    The domains of the user principal names become its verified domains.

    Raises:
        ExportFileError: a line is not what it should be; nothing is imported.
        OSError: a file cannot be read.
    """
    # They are gone through twice.
    files = list(sources)
    first_reading = _FirstReading()
    for item in _read_all(files):
        first_reading.note(item)
    if not first_reading.places:
        raise ExportFileError("There is no object in these files. Export some from /users first.")
    with directory.filling():
        tenant = _create_tenant(directory, first_reading)
        known = _number(directory, tenant, first_reading)
        links = _ImportedLinks()
        stored = _keep_sign_ins(
            directory, known, _collect(_read_all(files), first_reading, known, links)
        )
        # As they come, not sorted by type: the numbers are given in the order of the first reading.
        for kind, items in groupby(stored, key=lambda item: item.kind):
            directory.objects.fill(tenant, kind, (_complete(tenant, item) for item in items))
        for (relation, source, target), pairs in links.pairs.items():
            rest = iter(pairs)
            kinds = (BY_NUMBER[source].name, BY_NUMBER[target].name)
            directory.links.fill(relation, *kinds, zip(rest, rest, strict=True))
        for app_id, names in first_reading.identifiers.items():
            directory.service_principals.add_identifiers(tenant, app_id, names)
        directory.licences.add_subscriptions(tenant, first_reading.licenses)
    objects = Counter(BY_NUMBER[kind].name for _, kind in first_reading.places.values())
    return Imported(tenant, dict(objects), links.count(), links.lost)


class _ImportedLinks:
    """Links by relation and the numbers of both types; `lost` counts those that lead nowhere."""

    def __init__(self) -> None:
        # Plain 64-bit numbers: a million links as tuples would fill more than a hundred megabytes.
        self.pairs: dict[tuple[str, int, int], array[int]] = {}
        self.lost = 0

    def add(self, relation: str, source: _Numbers | None, target: _Numbers | None) -> None:
        """Note a link."""
        if source is None or target is None:
            self.lost += 1
            return
        pairs = self.pairs.setdefault((relation, source[1], target[1]), array("q"))
        pairs.extend((source[0], target[0]))

    def count(self) -> int:
        """How many links there are."""
        return sum(len(pairs) // 2 for pairs in self.pairs.values())


def _number(
    directory: Directory, tenant: Tenant, first_reading: _FirstReading
) -> dict[str, _Numbers]:
    """The number that each object gets, or already has, and its type's number."""
    first, kind = directory.objects.next_number(), KINDS["servicePrincipal"].number
    known = {key: (first + place, kind) for key, (place, kind) in first_reading.places.items()}
    for key, app_id in first_reading.built_in.items():
        principal = directory.objects.find(tenant, app_id, kind="servicePrincipal")
        if principal is not None:
            known[key] = (principal.seq, kind)
    return known


def _collect(
    items: Iterable[Item],
    first_reading: _FirstReading,
    known: dict[str, _Numbers],
    links: _ImportedLinks,
) -> Iterator[Item]:
    """The items to store, in the order of the first reading; every item's links are noted."""
    # A large group has several lines, of which the first is stored and the others bring links.
    expected = iter(first_reading.places)
    awaited = next(expected, None)
    for item in items:
        for relation, targets in item.links.items():
            for target in targets:
                links.add(relation, known.get(item.id), known.get(target))
        if item.record and item.id == awaited:
            awaited = next(expected, None)
            yield item


def _keep_sign_ins(
    directory: Directory, known: dict[str, _Numbers], items: Iterable[Item]
) -> Iterator[Item]:
    """The items; the `signInActivity` of users is stored on the way, where it belongs."""
    for item in items:
        activity = item.record.pop("signInActivity", None)
        if activity and item.kind == "user":
            directory.sign_ins.keep(read_last_sign_ins(known[item.id][0], activity))
        yield item


def _read_all(files: Iterable[Source]) -> Iterator[Item]:
    for source in files:
        yield from read_items(source)


def _create_tenant(directory: Directory, first_reading: _FirstReading) -> Tenant:
    organization = first_reading.organization
    verified = [str(one.get("name")).lower() for one in organization.get("verifiedDomains") or ()]
    # The most common one last: new users get it.
    common = [name for name, _ in reversed(first_reading.domains.most_common())]
    names = list(dict.fromkeys((*verified, *common)))
    initial = next((name for name in names if name.endswith(INITIAL)), f"contoso{INITIAL}")
    graph = next(
        (key for key, app_id in first_reading.built_in.items() if app_id == GRAPH_APP_ID), None
    )
    return directory.tenants.create(
        organization.get("displayName") or initial.removesuffix(INITIAL).capitalize(),
        (initial, *(name for name in names if name != initial)),
        tenant_id=organization.get("id"),
        graph_principal_id=graph,
    )


def _complete(tenant: Tenant, item: Item) -> Record:
    """The record; applications and service principals get the properties they lack."""
    record = item.record | {"id": item.id}
    if item.kind not in {"application", "servicePrincipal"}:
        return record
    created = record.get("createdDateTime") or format_iso(tenant.created)
    names = (item.id, record["appId"].lower(), record.get("displayName") or "")
    audience = "AzureADMyOrg"
    if item.kind == "application":
        domain = tenant.domains[0]
        draft = draft_application(*names, created=created, domain=domain, audience=audience)
    else:
        draft = draft_principal(*names, created=created, owner=tenant.id, audience=audience)
    return draft | {prop: value for prop, value in record.items() if value is not None}
