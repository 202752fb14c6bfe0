"""Every tenant of one emulator and all that is in them. Knows no HTTP."""

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
    The directory's parts side by side, over one database.

    A part knows the database and the parts that it is given, no others.

    Attributes:
        tenants: the tenants and their domains.
        objects: objects of every type, one by one.
        collections: the objects of a type, in order.
        links: who is a member, owner or manager of whom.
        dynamic_members: who is in the groups whose members follow a rule.
        search: finding objects by what they are called.
        recycle_bin: deleting, restoring and purging objects.
        changes: what changed, for delta queries.
        sign_ins: when users last signed in.
        last_uses: when credentials and applications were last used.
        users: users by name, and until when their sign-ins are revoked.
        role_members: who has which directory role.
        role_definitions: the roles that there are, built in and of the tenant's own.
        role_assignments: who has which role for what.
        licences: which products a tenant has, and who uses them.
        applications: registrations, the APIs and permissions in them.
        service_principals: the instances of applications in a tenant.
        managed_identities: those of the pretend machine.
        app_management_policies: what the tenant allows of credentials and identifier URIs.
        credentials: secrets, certificates and federated credentials.
        consents: app roles and scopes that are granted.
        token_policies: which applications' tokens are revoked or blocked.
        tickets: codes, sessions and refresh tokens of the token service.

    Args:
        path: the database file; None keeps everything in memory.
        clock: where creation times and expiry come from; by default the machine's.
        draft: the file is new, and nobody else's until it is closed, see `Store`.
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
        """Several changes that happen together or not at all."""
        try:
            with self._store.writing():
                yield
        except BaseException:
            # They are held in memory, where the database's way back does not reach.
            self.tenants.reload()
            raise

    @contextmanager
    def filling(self) -> Iterator[None]:
        """A transaction for many new objects: indices are made at its end, all at once."""
        with self.transaction(), self._store.unindexed():
            yield

    def backup(self, path: Path) -> None:
        """Copy everything into a new database file, while others go on reading and writing."""
        self._store.backup(path)

    def restore(self, path: Path) -> None:
        """Become what `backup` wrote to this file; what happened since is gone."""
        self._store.restore(path)
        self.tenants.reload()

    def dump(self) -> bytes:
        """Everything as one value, for `load`."""
        return self._store.dump()

    def load(self, image: bytes) -> None:
        """Become what `dump` returned; what happened since is gone."""
        self._store.load(image)
        self.tenants.reload()

    def clear(self) -> None:
        """Remove every tenant with all that is in it; settings stay."""
        with self._store.writing():
            self._store.clear()
            self.tenants.reload()

    def setting(self, name: str, make: Callable[[], bytes]) -> bytes:
        """A small value kept with the directory, made on first use."""
        return self._store.setting(name, make)
