"""
The types of directory objects: how each is called in paths, errors and the store.

Sources: the CSDL of Microsoft Graph v1.0 for sets and keys; recorded answers
(Azure CLI, 2022-2024) for the names in error texts and `Location` headers.
"""

from typing import NamedTuple


class Kind(NamedTuple):
    """
    A type of directory object.

    Args:
        name: as in `#microsoft.graph.{name}`.
        number: the small number that the store keeps; every index of a million rows repeats it.
        collection: its set, as the service writes it.
        key: the property that the store indexes besides `id` and `displayName`.
        unique: no two objects of a tenant share the key.
    """

    name: str
    number: int
    collection: str
    key: str
    unique: bool = True

    @property
    def resource(self) -> str:
        """What error texts and the directory's own addresses call it, e.g. `User`."""
        return self.name[0].upper() + self.name[1:]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("user", 1, "users", "userPrincipalName"),
        Kind("group", 2, "groups", "mailNickname", unique=False),
        Kind("device", 3, "devices", "deviceId"),
        Kind("application", 4, "applications", "appId"),
        Kind("servicePrincipal", 5, "servicePrincipals", "appId"),
        Kind("administrativeUnit", 6, "administrativeUnits", "id"),
        Kind("directoryRole", 7, "directoryRoles", "roleTemplateId"),
    )
}

# Roles are never deleted.
DELETABLE = tuple(name for name in KINDS if name != "directoryRole")

BY_COLLECTION = {kind.collection: kind for kind in KINDS.values()}
BY_NUMBER = {kind.number: kind for kind in KINDS.values()}

# From whom to whom: a group has members, a device registered owners, a user a manager.
RELATIONS = {
    "members": 1,
    "owners": 2,
    "manager": 3,
    "registeredOwners": 4,
    "registeredUsers": 5,
}
