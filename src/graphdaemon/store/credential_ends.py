"""The ends of the credentials with which daemons reach the tenants."""

from collections.abc import Iterable
from typing import NamedTuple

from graphdaemon.store.store import Store

_WRITE = """
INSERT INTO credentials (name, source, kind, ends, checked)
VALUES (:name, :source, :kind, :ends, :checked)"""
_FORGET = "DELETE FROM credentials WHERE name = :name"
_READ = "SELECT name, source, kind, ends, checked FROM credentials ORDER BY name, source"


class CredentialEnd(NamedTuple):
    """
    The end of a credential. Times are RFC 3339 in UTC.

    Attributes:
        name: The name of the tenant's settings file.
        source: Where the credential comes from, such as `secret in parameters.json`.
        kind: The kind of credential, such as `secret` or `certificate`.
        ends: When it ends; empty if that is not known.
        checked: When a daemon last looked.
    """

    name: str
    source: str
    kind: str
    ends: str
    checked: str


def read_credential_ends(store: Store) -> list[CredentialEnd]:
    """Return the ends of the credentials of all tenants, by the names of their settings files."""
    return [CredentialEnd(*row) for row in store.database.fetch(_READ)]


def note_credential_ends(store: Store, name: str, ends: Iterable[CredentialEnd]) -> None:
    """Replace what is noted about the credentials of the tenant with this settings file."""
    with store.database.transaction():
        store.database.execute(_FORGET, {"name": name})
        for one in ends:
            store.database.execute(_WRITE, one._asdict())
