import msgspec

from entra_emulator.directory.directory import Directory
from entra_emulator.directory.representation import choose_content
from entra_emulator.model.records import Tenant


def test_brief_documents(directory: Directory, seeded: Tenant) -> None:
    """
    The beginning of a user's document has every property but those that are asked for seldom.

    And its own beginning has those of nearly every request.
    """
    rows = [
        directory.collections.read_rows(seeded, "user", what, limit=99)
        for what in ("doc", "brief", "core")
    ]
    for (_, _, doc), (_, _, brief), (_, _, core) in zip(*rows, strict=True):
        whole, begun = msgspec.json.decode(doc), msgspec.json.decode(brief)
        left, first = set(whole) - set(begun), msgspec.json.decode(core)
        assert first == {name: whole[name] for name in first}
        assert {"id", "displayName", "userType", "accountEnabled"} <= first.keys() < begun.keys()
        assert choose_content("user", first) == "core"

        assert begun == {name: whole[name] for name in begun}
        assert "securityIdentifier" in left
        assert choose_content("user", left) == "doc"
        assert choose_content("user", begun) == "brief"
    assert choose_content("user", ["id", "mail"]) == "summary"
    assert choose_content("group", ["id"]) == "doc"


def test_brief_follows(directory: Directory, seeded: Tenant) -> None:
    """However a user is written, the beginning of its document is that of the document."""
    ids = [
        msgspec.json.decode(doc)["id"]
        for _, _, doc in directory.collections.read_rows(seeded, "user", limit=9)
    ]
    directory.objects.update(
        seeded, "user", ids[0], {"department": "Ä" * 50, "proxyAddresses": None}
    )
    directory.objects.update(seeded, "user", ids[1], {"securityIdentifier": None, "city": None})
    bare = {"id": "11111111-1111-4111-8111-111111111111", "userPrincipalName": "b@contoso.example"}
    directory.objects.create(seeded, "user", bare)
    found = directory.objects.find(seeded, ids[2])
    assert found is not None
    directory.recycle_bin.delete(seeded, found)
    item = directory.recycle_bin.find(seeded, ids[2])
    assert item is not None
    directory.recycle_bin.restore(seeded, item, {"displayName": "Back again"})

    rows = [
        directory.collections.read_rows(seeded, "user", what, limit=99)
        for what in ("doc", "brief", "core")
    ]
    for (_, _, doc), (_, _, brief), (_, _, core) in zip(*rows, strict=True):
        whole, begun = msgspec.json.decode(doc), msgspec.json.decode(brief)
        left = {name for name in whole if choose_content("user", [name]) == "doc"}
        assert begun == whole or begun == {n: whole[n] for n in whole if n not in left}
        assert msgspec.json.decode(core) == {
            name: whole[name]
            for name in whole
            if choose_content("user", [name, "userType"]) == "core"
        }


def test_large_faces(directory: Directory, seeded: Tenant) -> None:
    """An object whose document is its face is not stored twice, and listed all the same."""
    rows = directory.collections.read_rows(seeded, "servicePrincipal", "summary", limit=9)
    docs = directory.collections.read_rows(seeded, "servicePrincipal", "doc", limit=9)
    stored = directory._store.read("SELECT max(length(face)), count(*) FROM object")

    assert [row[2] for row in rows] == [row[2] for row in docs]
    assert stored[0][0] < 2000
    assert len(docs[0][2]) > 200_000
    assert stored[0][1] == 42 + directory.collections.count(seeded, "directoryRole")
