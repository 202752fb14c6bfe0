"""Directory objects of every type, and what is noted about them."""

import msgspec
import pytest

from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Tenant
from tests.support.directory_objects import add_people, draft_group

decode = msgspec.json.decode


def test_find(directory: Directory, tenant: Tenant) -> None:
    """An object is found by ID among all types, and by its key in its own."""
    made = directory.objects.create(tenant, "group", draft_group(1))
    (user,) = add_people(directory, tenant, 1)
    upn = decode(user.doc)["userPrincipalName"]

    assert directory.objects.find(tenant, draft_group(1)["id"].upper()) == made
    assert directory.objects.find(tenant, upn.upper(), kind="user") == user
    assert directory.objects.find(tenant, upn) is None
    assert directory.objects.find(tenant, draft_group(1)["id"], kind="user") is None
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    assert directory.objects.find(other, draft_group(1)["id"]) is None


def test_find_all(directory: Directory, tenant: Tenant) -> None:
    """Those of one type, in one tenant, that are there are found at once, by their IDs."""
    made = directory.objects.create(tenant, "group", draft_group(1))
    people = {decode(user.doc)["id"]: user for user in add_people(directory, tenant, 3)}
    other = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    ids = [draft_group(1)["id"], *list(people)[:2], draft_group(2)["id"]]

    assert directory.objects.find_all(tenant, "user", ids) == dict(list(people.items())[:2])
    assert directory.objects.find_all(tenant, "group", ids) == {ids[0]: made}
    assert directory.objects.find_all(other, "user", ids) == {}
    assert directory.objects.find_all(tenant, "user", []) == {}


def test_unique(directory: Directory, tenant: Tenant) -> None:
    """Two users do not share a name to sign in with; two groups may share a nickname."""
    (user,) = add_people(directory, tenant, 1)
    twin = decode(user.doc) | {"id": draft_group(9)["id"]}
    directory.objects.create(tenant, "group", draft_group(1))
    directory.objects.create(tenant, "group", draft_group(2))

    with pytest.raises(ValueError, match="already"):
        directory.objects.create(tenant, "user", twin)
    assert directory.collections.count(tenant, "user") == 1
    assert directory.collections.count(tenant, "group") == 2


def test_update(directory: Directory, tenant: Tenant) -> None:
    """A change is kept, cleared by null, indexed, and noted with what was there before."""
    (user,) = add_people(directory, tenant, 1)
    record = decode(user.doc)
    directory.objects.update(tenant, "user", record["id"], {"department": "Legal", "city": None})

    changed = directory.objects.find(tenant, record["id"])
    assert changed is not None
    assert decode(changed.doc)["department"] == "Legal"
    assert "city" not in decode(changed.doc)
    (_, change) = directory.changes.list_between(
        tenant, "user", 0, directory.changes.read_watermark()
    )
    assert (change.what, set(change.names), change.before) == (
        "updated",
        {"department", "city"},
        user.doc,
    )


def test_no_change(directory: Directory, tenant: Tenant) -> None:
    """Setting what is set already is no change."""
    (user,) = add_people(directory, tenant, 1)
    directory.objects.update(tenant, "user", decode(user.doc)["id"], {})

    assert [c.what for c in directory.changes.list_between(tenant, "user", 0, 99)] == ["created"]
