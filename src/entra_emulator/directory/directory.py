"""All tenants of an emulator and their content, without HTTP."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from entra_emulator.clock import Clock
from entra_emulator.directory.app_management_policies import AppManagementPolicies
from entra_emulator.directory.application_records import ApplicationRecords
from entra_emulator.directory.applications import Applications
from entra_emulator.directory.changes import Changes
from entra_emulator.directory.consents import Consents
from entra_emulator.directory.credentials import Credentials
from entra_emulator.directory.dynamic_members import DynamicMembers
from entra_emulator.directory.last_uses import LastUses
from entra_emulator.directory.licences import Licences
from entra_emulator.directory.links import Links
from entra_emulator.directory.managed_identities import ManagedIdentities
from entra_emulator.directory.object_collections import Collections
from entra_emulator.directory.objects import Objects
from entra_emulator.directory.recycle_bin import RecycleBin
from entra_emulator.directory.role_assignments import RoleAssignments
from entra_emulator.directory.role_definitions import RoleDefinitions
from entra_emulator.directory.role_members import RoleMembers
from entra_emulator.directory.search import Search
from entra_emulator.directory.service_principals import ServicePrincipals
from entra_emulator.directory.sign_ins import SignIns
from entra_emulator.directory.store import Store
from entra_emulator.directory.tenants import Tenants
from entra_emulator.directory.tickets import Tickets
from entra_emulator.directory.token_policies import TokenPolicies
from entra_emulator.directory.users import Users


class Directory:
    """
    The parts of the directory, which share a database.

    A part uses only the database and the parts that it is given.

    Attributes:
        tenants: the tenants and their domains.
        objects: objects of every type, one by one.
        collections: the objects of a type, in order.
        links: the members, owners and managers of objects.
        dynamic_members: the members of groups with a membership rule.
        search: finds objects by their names.
        recycle_bin: deletes, restores and purges objects.
        changes: the journal of changes, for delta queries.
        sign_ins: when users last signed in.
        last_uses: when credentials and applications were last used.
        users: users by name, and the times until which their sign-ins are revoked.
        role_members: the members of directory roles.
        role_definitions: the built-in roles, and those of the tenant.
        role_assignments: the roles of users, groups and service principals, and their scopes.
        licences: the products of a tenant, and their users.
        applications: app registrations, with their APIs and permissions.
        service_principals: the instances of applications in a tenant.
        managed_identities: the managed identities of the pretend machine.
        app_management_policies: the tenant's restrictions of credentials and identifier URIs.
        credentials: secrets, certificates and federated credentials.
        consents: the granted app roles and scopes.
        token_policies: which applications' tokens are revoked or blocked.
        tickets: codes, sessions and refresh tokens of the token service.

    Args:
        path: the database file; None keeps everything in memory.
        clock: tells the time for creation and expiry; by default the machine's clock.
        draft: whether the file is new, and used by nobody else until it is closed, see `Store`.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        clock: Clock | None = None,
        draft: bool = False,
    ) -> None:
        self.clock = clock or Clock()
        self._store = store = Store(path, clock=self.clock, draft=draft)
        self.new_id = store.new_id
        self.changes = Changes(store)
        self.objects = Objects(store, self.changes)
        self.collections = Collections(store)
        self.links = Links(store, self.objects, self.changes)
        self.dynamic_members = DynamicMembers(
            store, self.objects, self.collections, self.links, self.changes
        )
        self.search = Search(store)
        self.users = Users(store, self.objects)
        self.role_members = RoleMembers(
            store, self.objects, self.collections, self.links, self.users
        )
        self.role_definitions = RoleDefinitions(store)
        self.role_assignments = RoleAssignments(
            store, self.objects, self.collections, self.links, self.role_members
        )
        self.licences = Licences(store, self.objects, self.links)
        self.links.tell(self.licences.follow_link)
        records = ApplicationRecords(store, self.objects)
        self.tenants = Tenants(store, self.objects, records)
        self.token_policies = TokenPolicies(store, records)
        self.managed_identities = ManagedIdentities(store, self.tenants, self.objects)
        self.credentials = Credentials(store, records, self.objects)
        self.service_principals = ServicePrincipals(
            store, self.tenants, records, self.objects, self.token_policies
        )
        self.applications = Applications(
            store, records, self.objects, self.credentials, self.service_principals
        )
        self.app_management_policies = AppManagementPolicies(store)
        self.consents = Consents(store, self.applications, self.service_principals, self.users)
        self.sign_ins = SignIns(store)
        self.last_uses = LastUses(store)
        forgetters = (
            self.applications.forget,
            self.consents.forget,
            self.role_assignments.forget,
            self.app_management_policies.forget,
            self.links.forget,
            self.sign_ins.forget,
        )
        self.recycle_bin = RecycleBin(store, self.objects, self.changes, self.licences, forgetters)
        self.tickets = Tickets(store)

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction: all changes in the block are made, or none."""
        try:
            with self._store.writing():
                yield
        except BaseException:
            # Tenants are held in memory, where the rollback of the database does not reach.
            self.tenants.reload()
            raise

    @contextmanager
    def filling(self) -> Iterator[None]:
        """A transaction for many new objects; the indices are built at its end, all at once."""
        with self.transaction(), self._store.unindexed():
            yield

    def backup(self, path: Path) -> None:
        """Copy everything into a new database file, while others go on reading and writing."""
        self._store.backup(path)

    def restore(self, path: Path) -> None:
        """Return to the state that `backup` wrote to this file; later changes are lost."""
        self._store.restore(path)
        self.tenants.reload()

    def dump(self) -> bytes:
        """The whole directory as one value, for `load`."""
        return self._store.dump()

    def load(self, image: bytes) -> None:
        """Return to the state that `dump` returned; later changes are lost."""
        self._store.load(image)
        self.tenants.reload()

    def clear(self) -> None:
        """Remove every tenant with its content; settings stay."""
        with self._store.writing():
            self._store.clear()
            self.tenants.reload()

    def setting(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A small value kept with the directory, made on first use."""
        return self._store.setting(name, make)
