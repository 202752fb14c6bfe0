"""
The navigation properties of directory objects.

They lead to other objects, by links, or to records such as app role assignments.

Source: the CSDL of Microsoft Graph v1.0, and the API pages for what each holds.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from entra_emulator.directory.links import LinkQuery
from entra_emulator.graph.call import Call
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record

# The part of the document of a group or an administrative unit that says that its membership is
# hidden. It need not be decoded: within a string, its quotes would have backslashes before them.
_HIDDEN = b'"visibility":"HiddenMembership"'


class Navigation(NamedTuple):
    """
    A navigation property.

    Args:
        kind: the type that has it.
        name: its name.
        relation: the links that it shows, a key of RELATIONS.
        reverse: whether it leads from the targets of the links to their sources.
        deep: whether it also leads through groups in between.
        single: whether it has one object at most.
        takes: the types of objects that can be added by reference; empty if it can only be read.
        admits: tells from the record of its object, and from the type and the record of another
            object, whether that one can be added; None accepts every object of those types.
        follows_rule: tells from the record of its object whether a rule determines its content, so
            that nothing can be added or removed; None means never.
        keeps_last: whether the last object in it cannot be removed.
    """

    kind: str
    name: str
    relation: str
    reverse: bool = False
    deep: bool = False
    single: bool = False
    takes: frozenset[str] = frozenset()
    admits: Callable[[Record, str, Record], bool] | None = None
    follows_rule: Callable[[Record], bool] | None = None
    keeps_last: bool = False

    @property
    def writable(self) -> bool:
        """Whether objects are added and removed by reference."""
        return bool(self.takes)

    def links(self, seq: int, kinds: tuple[str, ...] | None = None) -> LinkQuery:
        """The links of the object with this number; with `kinds`, only those to these types."""
        return LinkQuery(self.relation, seq, self.reverse, self.deep, kinds)


class RecordNavigation(NamedTuple):
    """
    A navigation property that leads to records, which are no directory objects.

    Args:
        kind: the type that has it.
        name: its name.
        target: the type of the records.
        read: makes the records for the object with a given record.
        contained: whether the records belong to the object, and have no entity set of their own.
    """

    kind: str
    name: str
    target: str
    read: Callable[[Call, Record], Iterable[Record]]
    contained: bool = True


# By type and name; the modules of the records enter theirs.
RECORD_NAVIGATIONS: dict[tuple[str, str], RecordNavigation] = {}


def enter_records(*rows: RecordNavigation) -> None:
    """Let expansion and filters know these navigation properties."""
    RECORD_NAVIGATIONS.update({(row.kind, row.name): row for row in rows})


# The types that a list of directory objects can be cast to. Contacts are among those that Graph's
# own list of paths has, though the emulator has none.
CASTS = (*KINDS, "orgContact")

# By type and name; `declare_collection` enters those of each collection.
NAVIGATIONS: dict[tuple[str, str], Navigation] = {}


def list_member_of(kind: str) -> tuple[Navigation, Navigation]:
    """The groups, roles and administrative units that an object of this type is in."""
    return (
        Navigation(kind, "memberOf", "members", reverse=True),
        Navigation(kind, "transitiveMemberOf", "members", reverse=True, deep=True),
    )


def is_hidden(doc: bytes) -> bool:
    """Whether only callers with `Member.Read.Hidden` may see the members of a group or unit."""
    return _HIDDEN in doc
