"""The credentials of applications: secrets, certificates, federated credentials."""

import re
from collections.abc import Iterable
from dataclasses import astuple
from typing import NamedTuple

from entra_emulator.clock import format_iso
from entra_emulator.directory.application_records import ApplicationRecords
from entra_emulator.directory.objects import Objects
from entra_emulator.directory.store import Store
from entra_emulator.model.applications import (
    describe_certificate,
    digest_secret,
    draft_key,
    draft_password,
    draw_secret,
    name_subject,
    read_certificate,
)
from entra_emulator.model.records import (
    Certificate,
    FederatedCredential,
    Password,
    Record,
    Tenant,
)

# The lifetime of a secret without an end ("application: addPassword", Microsoft Graph).
TWO_YEARS = 730 * 86400.0
TOKEN_EXCHANGE = "api://AzureADTokenExchange"  # noqa: S105 - an audience

# "Important considerations and restrictions for federated identity credentials", Microsoft Entra
# Workload ID.
MOST_FEDERATED = 20
LONGEST_FEDERATED = 600
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,119}")


class Credential(NamedTuple):
    """
    A "secret" or "certificate", as the token service checks it; times are seconds since 1970.

    The value is the digest of the secret, or the certificate as DER.
    """

    key_id: str
    kind: str
    value: bytes
    start: float
    end: float


class Credentials:
    """
    The credentials of applications, service principals and managed identities.

    A credential belongs to a holder: an appId, or the object ID of a service principal.
    """

    def __init__(self, store: Store, records: ApplicationRecords, objects: Objects) -> None:
        self._store = store
        self._records, self._objects = records, objects

    def keep(self, holder: str, credentials: Iterable[Credential]) -> None:
        """Add credentials of the holder, which are accepted from now on."""
        with self._store.writing() as connection:
            connection.executemany(
                "INSERT INTO credential (key_id, app_id, kind, value, start, end) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [(one.key_id, holder, *one[1:]) for one in credentials],
            )

    def drop(self, holder: str, key_ids: Iterable[str]) -> None:
        """Remove credentials of the holder, which are refused from now on."""
        with self._store.writing() as connection:
            connection.executemany(
                "DELETE FROM credential WHERE app_id = ? AND key_id = ?",
                [(holder, key_id) for key_id in key_ids],
            )

    def drop_all(self, holder: str) -> None:
        """Remove every credential of a holder that was deleted for good."""
        with self._store.writing() as connection:
            # Both tables call the holder `app_id`, though it may be a service principal's object
            # ID.
            for table in ("credential", "federated"):
                connection.execute(f"DELETE FROM {table} WHERE app_id = ?", (holder,))  # noqa: S608 - names of ours

    def add_password(
        self,
        tenant: Tenant,
        app_id: str,
        display_name: str | None = None,
        *,
        start: float | None = None,
        end: float | None = None,
        text: str | None = None,
    ) -> Password:
        """
        A new client secret, by default valid for two years from `start`, as with addPassword.

        Its `text` is random by default. Only its SHA-256 is stored. Times are seconds since 1970.

        Raises:
            LookupError: the application is not in this tenant.
        """
        secret, key_id = text or draw_secret(), self._store.new_id()
        begin = self._store.clock.now() if start is None else start
        finish = begin + TWO_YEARS if end is None else end
        entry = draft_password(
            key_id, secret, display_name, start=format_iso(begin, 7), end=format_iso(finish, 7)
        )
        credential = Credential(key_id, "secret", digest_secret(secret), begin, finish)
        self._add(tenant, app_id, "passwordCredentials", entry, credential)
        return Password(key_id, secret, secret[:3], begin, finish)

    def find_password(self, app_id: str, secret: str, *, principal_id: str = "") -> Password | None:
        """The client secret of this value, the application's or the service principal's own."""
        rows = self._store.read(
            "SELECT key_id, start, end FROM credential "
            "WHERE app_id IN (?, ?) AND kind = 'secret' AND value = ?",
            (app_id.lower(), principal_id, digest_secret(secret)),
        )
        return next((Password(key_id, None, secret[:3], *times) for key_id, *times in rows), None)

    def add_certificate(self, tenant: Tenant, app_id: str, der: bytes) -> Certificate:
        """
        A new certificate of the application, valid until the end that it contains.

        Raises:
            LookupError: the application is not in this tenant.
            ValueError: `der` is not a certificate with an RSA key.
        """
        certificate, key_id = read_certificate(der), self._store.new_id()
        begin = certificate.not_valid_before_utc.timestamp()
        finish = certificate.not_valid_after_utc.timestamp()
        name = name_subject(certificate)
        entry = draft_key(key_id, der, name, start=format_iso(begin), end=format_iso(finish))
        credential = Credential(key_id, "certificate", der, begin, finish)
        self._add(tenant, app_id, "keyCredentials", entry, credential)
        return describe_certificate(key_id, der, begin, finish)

    def list_certificates(self, app_id: str, *, principal_id: str = "") -> list[Certificate]:
        """The application's certificates and its service principal's own, expired ones too."""
        rows = self._store.read(
            "SELECT key_id, value, start, end FROM credential "
            "WHERE app_id IN (?, ?) AND kind = 'certificate'",
            (app_id.lower(), principal_id),
        )
        return [describe_certificate(*row) for row in rows]

    def remove_password(self, tenant: Tenant, app_id: str, key_id: str) -> None:
        """Remove a client secret; raise LookupError if there is none with this ID."""
        self._remove(tenant, app_id, "passwordCredentials", key_id)

    def remove_certificate(self, tenant: Tenant, app_id: str, key_id: str) -> None:
        """Remove a certificate; raise LookupError if there is none with this ID."""
        self._remove(tenant, app_id, "keyCredentials", key_id)

    def add_federated(
        self,
        tenant: Tenant,
        app_id: str,
        name: str,
        issuer: str,
        subject: str,
        *,
        audience: str = TOKEN_EXCHANGE,
        description: str | None = None,
    ) -> FederatedCredential:
        """
        Trust tokens of another issuer for one subject as proof of the application's identity.

        Applications and managed identities can have such credentials.

        Raises:
            LookupError: the application is not in this tenant.
            ValueError: one of the service's limits; the text says which.
        """
        self._need_holder(tenant, app_id)
        made = FederatedCredential(
            self._store.new_id(), name, issuer, subject, audience, description
        )
        with self._store.writing() as connection:
            # Within the transaction, so that two simultaneous requests cannot exceed the limit.
            _check_federated(self.list_federated(app_id), made)
            connection.execute(
                "INSERT INTO federated "
                "(app_id, id, name, issuer, subject, audience, description) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (app_id.lower(), *astuple(made)),
            )
        return made

    def change_federated(self, tenant: Tenant, app_id: str, changed: FederatedCredential) -> None:
        """
        Replace the federated credential with the same ID; its name does not change.

        Raises:
            LookupError: no such application.
            ValueError: one of the service's limits; the text says which.
        """
        self._need_holder(tenant, app_id)
        with self._store.writing() as connection:
            others = [one for one in self.list_federated(app_id) if one.id != changed.id]
            _check_federated(others, changed)
            connection.execute(
                "UPDATE federated SET issuer = ?, subject = ?, audience = ?, description = ? "
                "WHERE id = ?",
                # Without the name, which Graph uses as a key and never changes.
                (*astuple(changed)[2:], changed.id),
            )

    def list_federated(self, app_id: str) -> list[FederatedCredential]:
        """The application's federated credentials, by name."""
        rows = self._store.read(
            "SELECT id, name, issuer, subject, audience, description FROM federated "
            "WHERE app_id = ? ORDER BY name",
            (app_id.lower(),),
        )
        return [FederatedCredential(*row) for row in rows]

    def remove_federated(self, tenant: Tenant, app_id: str, name: str) -> None:
        """
        Remove a federated credential, whose tokens are refused from now on.

        Raises:
            LookupError: no such application or credential.
        """
        self._need_holder(tenant, app_id)
        with self._store.writing() as connection:
            gone = connection.execute(
                "DELETE FROM federated WHERE app_id = ? AND name = ?", (app_id.lower(), name)
            )
            if not gone.rowcount:
                raise LookupError(f"{app_id} has no federated credential named {name!r}")

    def _need_holder(self, tenant: Tenant, app_id: str) -> None:
        """Check that this is an application of the tenant, or a managed identity."""
        if self._records.find("application", tenant, app_id) is None:
            principal = self._records.need("servicePrincipal", tenant, app_id)
            if principal.record["servicePrincipalType"] != "ManagedIdentity":
                # It raises, and its text names what is missing: the application.
                self._records.need("application", tenant, app_id)

    def _add(
        self, tenant: Tenant, app_id: str, name: str, entry: Record, credential: Credential
    ) -> None:
        with self._store.writing():
            record = self._records.need("application", tenant, app_id).record
            record[name].append(entry)
            self._objects.rewrite(tenant, "application", record)
            self.keep(app_id.lower(), [credential])

    def _remove(self, tenant: Tenant, app_id: str, name: str, key_id: str) -> None:
        with self._store.writing():
            record = self._records.need("application", tenant, app_id).record
            kept = [entry for entry in record[name] if entry["keyId"] != key_id]
            if len(kept) == len(record[name]):
                raise LookupError(f"{app_id} has no {name} entry with keyId {key_id!r}")
            self._objects.rewrite(tenant, "application", record | {name: kept})
            self.drop(app_id.lower(), [key_id])


def _check_federated(present: list[FederatedCredential], made: FederatedCredential) -> None:
    if not _NAME.fullmatch(made.name):
        raise ValueError(
            f"{made.name!r} is no name for a federated credential: 3 to 120 letters, digits, "
            "- and _"
        )
    for what in ("issuer", "subject", "audience"):
        if not 0 < len(getattr(made, what)) <= LONGEST_FEDERATED:
            raise ValueError(f"the {what} must have 1 to {LONGEST_FEDERATED} characters")
    if len(made.description or "") > LONGEST_FEDERATED:
        raise ValueError(f"the description must have at most {LONGEST_FEDERATED} characters")
    if not made.issuer.startswith("https://"):
        raise ValueError(f"the issuer must be an https URL, not {made.issuer!r}")
    if len(present) >= MOST_FEDERATED:
        raise ValueError(f"an application has at most {MOST_FEDERATED} federated credentials")
    for credential in present:
        if credential.name == made.name:
            raise ValueError(f"the application has a federated credential {made.name!r} already")
        if (credential.issuer, credential.subject) == (made.issuer, made.subject):
            raise ValueError(f"{credential.name!r} is for that issuer and subject already")
