"""When the credentials end by which tenants are reached, as daemons have found out."""

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
    When a credential ends.

    Attributes:
        name: The name of the tenant's settings file.
        source: Where the credential comes from, such as `secret in parameters.json`.
        kind: Such as `secret` or `certificate`.
        ends: RFC 3339, UTC; empty where it is not known.
        checked: When that was found out.
    """

    name: str
    source: str
    kind: str
    ends: str
    checked: str


def read_credential_ends(store: Store) -> list[CredentialEnd]:
    """Return what is known of the credentials of every tenant."""
    return [CredentialEnd(*row) for row in store.database.fetch(_READ)]


def note_credential_ends(store: Store, name: str, ends: Iterable[CredentialEnd]) -> None:
    """Note all credentials of one tenant in the place of those before."""
    with store.database.transaction():
        store.database.execute(_FORGET, {"name": name})
        for one in ends:
            store.database.execute(_WRITE, one._asdict())
