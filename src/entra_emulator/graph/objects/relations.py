"""
The navigation properties of directory objects, and what is behind each.

They lead to other objects, by links, or to records such as app role assignments.

Source: the CSDL of Microsoft Graph v1.0, and the API pages for what each holds.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from entra_emulator.directory.links import LinkQuery
from entra_emulator.graph.call import Call
from entra_emulator.model.kinds import KINDS
from entra_emulator.model.records import Record

# How the document of a group or an administrative unit says that few may know who is in it. The
# bytes suffice, without decoding: in a text the quotes would have backslashes before them.
_HIDDEN = b'"visibility":"HiddenMembership"'


class Navigation(NamedTuple):
    """
    A navigation property.

    Args:
        kind: the type that has it.
        name: its name.
        relation: which links are behind it, a key of RELATIONS.
        reverse: from the links' targets to their sources.
        deep: through groups in between too.
        single: it holds one object at most.
        takes: the types of objects that can be added by reference; none when it can only be read.
        admits: further tells, from the owner's record and the other object's type and record,
            whether that one can be added; None admits every object of those types.
        follows_rule: tells from the owner's record whether a rule decides what is in it, so that
            nothing can be added or removed; None is never.
        keeps_last: the last object in it cannot be removed.
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
        read: puts together the records of the object with this record.
        contained: its records belong to the object, and have no set of their own.
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
    """Whether only callers with `Member.Read.Hidden` may know who is in this group or unit."""
    return _HIDDEN in doc
