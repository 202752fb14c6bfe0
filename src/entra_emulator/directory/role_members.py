"""Directory roles, and the users who hold them."""

import msgspec

from entra_emulator.directory.links import LinkQuery, Links
from entra_emulator.directory.object_collections import Collections
from entra_emulator.directory.objects import Objects, StoredObject
from entra_emulator.directory.store import Store
from entra_emulator.directory.users import Users
from entra_emulator.model.directory_roles import draft_role, find_role_id
from entra_emulator.model.records import Record, Tenant

_decode = msgspec.json.Decoder(Record).decode


class RoleMembers:
    """A role is known by the ID of its template, which is the same in every tenant."""

    def __init__(
        self, store: Store, objects: Objects, collections: Collections, links: Links, users: Users
    ) -> None:
        self._store = store
        self._objects, self._collections = objects, collections
        self._links, self._users = links, users

    def assign(self, tenant: Tenant, user: str, role: str) -> None:
        """
        Give a user a directory role, by its name or template ID.

        Raises:
            LookupError: no such user, or no such role.
        """
        template = find_role_id(role)
        with self._store.writing():
            member = self._users.need(tenant, user)
            self._links.add(tenant, "members", self.activate(tenant, template), member)

    def activate(self, tenant: Tenant, template: str) -> StoredObject:
        """The directory role of a template, made when it is not in use yet."""
        # A role comes into being when its template is first used ("Activate directoryRole",
        # Microsoft Graph).
        role = self._objects.find(tenant, template, kind="directoryRole")
        if role is not None:
            return role
        draft = draft_role(self._store.new_id(), template)
        return self._objects.create(tenant, "directoryRole", draft)

    def list_roles(self, tenant: Tenant, user: str) -> list[str]:
        """
        The template IDs of the user's directory roles.

        Raises:
            LookupError: no such user.
        """
        seq = self._users.need(tenant, user).seq
        links = LinkQuery("members", seq, reverse=True, kinds=["directoryRole"])
        roles = self._links.list_neighbours(tenant, links)
        return sorted(_decode(role.doc)["roleTemplateId"] for role in roles)

    def list_holders(self, tenant: Tenant) -> dict[str, list[str]]:
        """The template IDs of the directory roles of everybody who has one, by object ID."""
        holders: dict[str, list[str]] = {}
        roles = [
            (_decode(doc)["roleTemplateId"], position.seq)
            for position, doc in self._collections.scan(tenant, "directoryRole")
        ]
        for template, seq in sorted(roles):
            members = LinkQuery("members", seq, kinds=["user"])
            for user in self._links.list_neighbours(tenant, members):
                holders.setdefault(_decode(user.doc)["id"], []).append(template)
        return holders
