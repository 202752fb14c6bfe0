"""
What a delta query tracks: types, properties, links, objects. Only computes, without any I/O.

Sources: "Use delta query to track changes in Microsoft Graph data", "group: delta",
"directoryObject: delta".
"""

import re
from collections.abc import Collection, Mapping
from urllib.parse import quote

import msgspec

from entra_emulator.errors import deny
from entra_emulator.graph.objects.relations import NAVIGATIONS
from entra_emulator.graph.query.select import read_select
from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS
from entra_emulator.web.context import is_guid

# "There is a limit of 50 filtered objects."
MOST_IDS = 50

# Types that `isof` accepts and the emulator has no objects of.
_EMPTY_TYPES = frozenset({"approleassignment", "orgcontact"})

_CLAUSE = re.compile(
    r"\s*(?:\(\s*)?(?:id\s+eq\s+'(?P<id>[^']*)'"
    r"|isof\(\s*'#?(?:microsoft\.)?graph\.(?P<kind>\w+)'\s*\))(?:\s*\))?\s*",
    re.IGNORECASE,
)
_OR = re.compile(r"(?<=\s)or(?=\s)", re.IGNORECASE)


class TrackedType(msgspec.Struct, frozen=True, array_like=True):
    """
    A type of objects that are tracked.

    Args:
        kind: the type's name.
        select: the properties that are tracked and shown; None for the default set.
        links: the relations that are tracked and shown.
    """

    kind: str
    select: tuple[str, ...] | None
    links: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tracked properties."""
        return self.select or schema.default(self.kind)


class DeltaQuery(msgspec.Struct, frozen=True, array_like=True):
    """
    What a delta query tracks.

    Args:
        collection: e.g. `users`.
        types: the tracked types of objects in it.
        ids: the IDs of the only tracked objects; empty for all.
    """

    collection: str
    types: tuple[TrackedType, ...]
    ids: tuple[str, ...] = ()

    def find(self, kind: str) -> TrackedType:
        """How objects of this type are tracked."""
        return next(tracked for tracked in self.types if tracked.kind == kind)


def read_delta_query(
    collection: str, kinds: Collection[str], options: Mapping[str, str], readable: Collection[str]
) -> DeltaQuery:
    """
    What a first request tracks among objects of these kinds, by its options.

    `$expand` is ignored, as users found (microsoft-graph-docs#6194), and so is `$top`
    (microsoft-graph-docs#7160, #17516).

    Raises:
        GraphRefusal: 400; 403, the filter names a type that the caller may not read.
    """
    for option in ("$orderby", "$search", "$skip"):
        if option in options:
            raise deny("delta_option", option=option)
    types, ids = _read_filter(options.get("$filter", ""), kinds)
    if types is None:
        # The endpoint checks the permission for one type; of several types, those that the caller
        # may read are tracked.
        tracked = {kind for kind in kinds if len(kinds) == 1 or kind in readable}
    elif types <= set(readable):
        tracked = types
    else:
        raise deny("forbidden")
    text = options.get("$select", "")
    return DeltaQuery(
        collection,
        tuple(_track_type(kind, text, several=len(kinds) > 1) for kind in KINDS if kind in tracked),
        ids,
    )


def write_options(query: DeltaQuery) -> str:
    """The query options that request this, each followed by `&`."""
    several = query.collection == "directoryObjects"
    names, clauses = [], []
    for tracked in query.types:
        prefix = f"microsoft.graph.{tracked.kind}/" if several else ""
        if tracked.select is not None:
            names += [prefix + name for name in (*tracked.select, *tracked.links)]
        if several:
            clauses.append(f"isof('microsoft.graph.{tracked.kind}')")
    clauses += [f"id eq '{key}'" for key in query.ids]
    select = f"$select={','.join(names)}&" if names else ""
    return select + (f"$filter={quote(' or '.join(clauses))}&" if clauses else "")


def trackable_links(kind: str) -> dict[str, str]:
    """The relations of a type that a delta query can track, by their names in small letters."""
    return {
        name.lower(): name
        for (owner, name), row in NAVIGATIONS.items()
        if owner == kind and row.writable
    }


def _track_type(kind: str, text: str, *, several: bool) -> TrackedType:
    links = trackable_links(kind)
    items = [part.strip() for part in text.split(",") if part.strip()]
    if several:
        items = _choose_items(kind, items)
    if not items:
        # Members are reported without $select ("Get incremental changes for groups"; the example of
        # "directoryRole: delta").
        default = ("members",) if "members" in links else ()
        return TrackedType(kind, ("id",) if text.strip() else None, default)
    chosen = tuple(links[item.lower()] for item in items if item.lower() in links)
    rest = [item for item in items if item.lower() not in links]
    select = read_select(kind, ",".join(rest), collection=True) if rest else ("id",)
    return TrackedType(kind, select, tuple(dict.fromkeys(chosen)))


def _choose_items(kind: str, items: list[str]) -> list[str]:
    """The selected names that are of this type: `microsoft.graph.user/surname`, or a bare name."""
    chosen = []
    for item in items:
        owner, slash, name = item.rpartition("/")
        if (
            slash
            and owner.lower().removeprefix("microsoft.").removeprefix("graph.") == kind.lower()
        ):
            chosen.append(name)
        elif not slash and (schema.canonical(kind, item) or item.lower() in trackable_links(kind)):
            chosen.append(item)
    return chosen


def _read_filter(text: str, kinds: Collection[str]) -> tuple[set[str] | None, tuple[str, ...]]:
    """The types that a filter names, None for all, and the IDs; an object must match both."""
    by_lower = {kind.lower(): kind for kind in kinds}
    types: set[str] | None = None
    ids = dict[str, None]()
    for clause in _OR.split(text) if text.strip() else ():
        match = _CLAUSE.fullmatch(clause)
        if match is None or (match["kind"] and len(kinds) == 1):
            raise deny("delta_filter")
        if match["id"] is not None:
            if not is_guid(match["id"]):
                raise deny("id_malformed", key=match["id"])
            ids[match["id"].lower()] = None
        elif match["kind"].lower() in by_lower:
            types = {*(types or ()), by_lower[match["kind"].lower()]}
        elif match["kind"].lower() in _EMPTY_TYPES:
            # The emulator has no object of this type, but the filter leaves out all others.
            types = types or set()
        else:
            raise deny("delta_filter")
    if len(ids) > MOST_IDS:
        raise deny("delta_many", most=MOST_IDS)
    return types, tuple(ids)
