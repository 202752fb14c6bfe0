"""What the token service remembers from one request to the next: codes, sessions, tokens."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from entra_emulator.directory.store import Store
from entra_emulator.model.applications import digest_secret
from entra_emulator.model.records import Record

# Seconds that an expired ticket stays, so that whoever shows it learns why it is refused.
KEEP = 30 * 86_400.0

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


class Ticket(NamedTuple):
    """Something kept under a secret: what it is about, and when it expires (since 1970)."""

    doc: Mapping[str, Any]
    expires: float


def seal(kind: str, secret: str) -> str:
    """
    The key of a secret's ticket, from which the secret does not follow.

    Two kinds never meet: a code shown as a refresh token is unknown.
    """
    return f"{kind} {digest_secret(secret).hex()}"


class Tickets:
    """Codes, sessions and refresh tokens, each kept under the digest of its secret."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, key: str, doc: Mapping[str, Any], *, expires: float) -> None:
        """Keep a document under a key that `seal` made; long expired ones are thrown away."""
        with self._store.writing() as connection:
            # Here, since nothing in the emulator runs by the hour.
            connection.execute(
                "DELETE FROM ticket WHERE expires < ?", (self._store.clock.now() - KEEP,)
            )
            connection.execute(
                "INSERT OR REPLACE INTO ticket (key, doc, expires) VALUES (?, ?, ?)",
                (key, _encode(doc), expires),
            )

    def find(self, key: str) -> Ticket | None:
        """What is kept under this key, expired or not."""
        rows = self._store.read("SELECT doc, expires FROM ticket WHERE key = ?", (key,))
        return Ticket(_decode(rows[0][0]), rows[0][1]) if rows else None

    def change(self, key: str, changes: Mapping[str, Any]) -> None:
        """Change parts of the document under this key, if there is one."""
        with self._store.writing() as connection:
            ticket = self.find(key)
            if ticket is not None:
                doc = _encode({**ticket.doc, **changes})
                connection.execute("UPDATE ticket SET doc = ? WHERE key = ?", (doc, key))

    def drop(self, key: str) -> None:
        """Forget what is kept under this key."""
        with self._store.writing() as connection:
            connection.execute("DELETE FROM ticket WHERE key = ?", (key,))
