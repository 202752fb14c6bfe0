"""
The navigation properties between directory objects, and which links are behind them.

Source: the CSDL of Microsoft Graph v1.0, and the API pages for what each holds.
"""

from typing import NamedTuple

from entra_emulator.directory.link_rows import LinkQuery

# How the document of a group or an administrative unit says that few may know who is in it.
_HIDDEN = b'"visibility":"HiddenMembership"'


class Navigation(NamedTuple):
    """
    A navigation property.

    Args:
        kind: the type that has it.
        name: what it is called.
        relation: which links are behind it, a key of RELATIONS.
        reverse: from the links' targets to their sources.
        deep: through groups in between too.
        single: it holds one object at most.
        kinds: the types of objects in it; None is any.
        writable: objects are added and removed by reference.
    """

    kind: str
    name: str
    relation: str
    reverse: bool = False
    deep: bool = False
    single: bool = False
    kinds: tuple[str, ...] | None = None
    writable: bool = False

    def links(self, seq: int, kinds: tuple[str, ...] | None = None) -> LinkQuery:
        """The links of one object, by its number; `kinds` narrows them further."""
        return LinkQuery(self.relation, seq, self.reverse, self.deep, kinds or self.kinds)


def is_hidden(doc: bytes) -> bool:
    """Whether only who has `Member.Read.Hidden` may know who is in this group or unit."""
    return _HIDDEN in doc


def _list_member_of(kind: str) -> list[Navigation]:
    return [
        Navigation(kind, "memberOf", "members", reverse=True),
        Navigation(kind, "transitiveMemberOf", "members", reverse=True, deep=True),
    ]


_TABLE = (
    Navigation("user", "manager", "manager", single=True, writable=True),
    Navigation("user", "directReports", "manager", reverse=True),
    *_list_member_of("user"),
    Navigation("user", "ownedObjects", "owners", reverse=True),
    Navigation("user", "ownedDevices", "registeredOwners", reverse=True),
    Navigation("user", "registeredDevices", "registeredUsers", reverse=True),
    Navigation("group", "members", "members", writable=True),
    Navigation("group", "transitiveMembers", "members", deep=True),
    Navigation("group", "owners", "owners", writable=True),
    *_list_member_of("group"),
    Navigation("device", "registeredOwners", "registeredOwners", writable=True),
    Navigation("device", "registeredUsers", "registeredUsers", writable=True),
    *_list_member_of("device"),
    Navigation("application", "owners", "owners", writable=True),
    Navigation("servicePrincipal", "owners", "owners", writable=True),
    Navigation("servicePrincipal", "ownedObjects", "owners", reverse=True),
    *_list_member_of("servicePrincipal"),
    Navigation("administrativeUnit", "members", "members", writable=True),
    Navigation("directoryRole", "members", "members", writable=True),
)

NAVIGATIONS = {(row.kind, row.name): row for row in _TABLE}
