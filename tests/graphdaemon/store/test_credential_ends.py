"""When credentials end, as a store keeps it."""

from __future__ import annotations

from graphdaemon.store.credential_ends import (
    CredentialEnd,
    note_credential_ends,
    read_credential_ends,
)
from graphdaemon.store.store import Store

SECRET = CredentialEnd("contoso", "secret in contoso.json", "secret", "2027-01-01T00:00:00Z", "now")
KEY = CredentialEnd("contoso", "private_key_file", "certificate", "", "now")


def test_what_is_noted_takes_the_place_of_what_was(store: Store) -> None:
    other = SECRET._replace(name="fabrikam")
    note_credential_ends(store, "contoso", [SECRET, KEY])
    note_credential_ends(store, "fabrikam", [other])
    assert read_credential_ends(store) == [KEY, SECRET, other]

    note_credential_ends(store, "contoso", [KEY])
    assert read_credential_ends(store) == [KEY, other]
