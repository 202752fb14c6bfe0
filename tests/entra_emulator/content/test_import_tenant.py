import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.data_folder import STORE, fill_folder
from entra_emulator.content.export_files import ExportFileError, Source, parse_source
from entra_emulator.content.import_tenant import Imported, import_files
from entra_emulator.content.seed import choose_sizes
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.links import LinkQuery
from entra_emulator.model.applications import GRAPH_APP_ID, MANAGEMENT_APP_ID
from entra_emulator.model.records import Tenant
from tests.support.emulator_probe import Probe, register
from tests.support.run_command import run_graphdaemon

ANA, BO, CY, DEV, APP, GRP, SUB, SP, ROLE, UNIT = (
    f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "123456789a"
)


def ana(**changes: Any) -> dict[str, Any]:
    return {"id": ANA, "userPrincipalName": "ana@fabrikam.example", "displayName": "Ana"} | changes


def bo(**changes: Any) -> dict[str, Any]:
    return {"id": BO, "userPrincipalName": "bo@fabrikam.example", "displayName": "Bo"} | changes


def typed(kind: str, **properties: Any) -> dict[str, Any]:
    return {"@odata.type": f"#microsoft.graph.{kind}"} | properties


def write(path: Path, *entries: Any) -> Source:
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in entries]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return parse_source(str(path))


def fresh() -> Directory:
    return Directory(clock=Clock(at=1_800_000_000))


def take(tmp_path: Path, *entries: Any, name: str = "users.ndjson") -> tuple[Directory, Imported]:
    directory = fresh()
    try:
        return directory, import_files(directory, [write(tmp_path / name, *entries)])
    except ExportFileError:
        directory.close()
        raise


def linked(directory: Directory, tenant: Tenant, relation: str, object_id: str) -> list[str]:
    found = directory.objects.find(tenant, object_id)
    assert found is not None
    neighbours = directory.links.list_neighbours(tenant, LinkQuery(relation, found.seq))
    return [msgspec.json.decode(one.doc)["id"] for one in neighbours]


def test_users(tmp_path: Path) -> None:
    """Users keep what they have, unknown properties too, in the order of the file."""
    directory, made = take(
        tmp_path,
        bo(department="Sales", extension_0_badge="17", favouriteColour="blue"),
        b"",
        ana(id=ANA.upper(), city=None),
    )
    rows = [msgspec.json.decode(doc) for _, doc in directory.collections.scan(made.tenant, "user")]
    directory.close()

    assert rows == [bo(department="Sales", extension_0_badge="17", favouriteColour="blue"), ana()]
    assert made.objects == {"user": 2}
    assert (made.links, made.lost) == (0, 0)


def test_domains(tmp_path: Path) -> None:
    """The domains of names become the tenant's: the initial one first, the usual one last."""
    directory, made = take(
        tmp_path,
        ana(),
        bo(),
        {"id": CY, "userPrincipalName": "cy@legacy.example"},
        {"id": DEV, "userPrincipalName": "x_y.example#EXT#@Fabrikam.onmicrosoft.com"},
    )
    directory.close()

    assert made.tenant.domains[0] == "fabrikam.onmicrosoft.com"
    assert made.tenant.domains[-1] == "fabrikam.example"
    assert "legacy.example" in made.tenant.domains
    assert made.tenant.display_name == "Fabrikam"


def test_organization(tmp_path: Path) -> None:
    """The tenant's own line tells its ID, name and domains."""
    tenant_id = "0a0a0a0a-0a0a-40a0-80a0-0a0a0a0a0a0a"
    names = ["fabrikam.onmicrosoft.com", "spare.example"]
    directory, made = take(
        tmp_path,
        ana(),
        typed(
            "organization",
            id=tenant_id,
            displayName="Fabrikam, Inc.",
            verifiedDomains=[{"name": name} for name in names],
        ),
    )
    directory.close()

    assert (made.tenant.id, made.tenant.display_name) == (tenant_id, "Fabrikam, Inc.")
    assert made.tenant.domains == (*names, "fabrikam.example")


def test_links(tmp_path: Path) -> None:
    """Managers, members and owners are linked, in whatever order and form the lines come."""
    directory, made = take(
        tmp_path,
        typed("group", id=GRP, members=[{"id": SUB}]),
        typed("user", **ana(manager={"id": BO})),
        typed("user", **bo(manager=None)),
        typed("group", id=GRP, displayName="All", owners=[typed("user", id=ANA)]),
        typed("group", id=SUB, displayName="Some"),
        typed(
            "group",
            **{"id": GRP, "members@delta": [{"id": ANA}, {"id": BO, "@removed": {"reason": "x"}}]},
        ),
        typed("device", id=DEV, deviceId=DEV, registeredOwners=[{"id": BO}]),
        typed("administrativeUnit", id=UNIT, displayName="North", members=[{"id": ANA}]),
        typed("directoryRole", id=ROLE, roleTemplateId=ROLE, members=[{"id": BO}]),
        typed("group", id=SUB, members=[{"id": CY}]),
        name="everything.ndjson",
    )
    tenant = made.tenant
    found = {
        (relation, source): linked(directory, tenant, relation, source)
        for relation, source in (
            ("manager", ANA),
            ("members", GRP),
            ("owners", GRP),
            ("registeredOwners", DEV),
            ("members", UNIT),
            ("members", ROLE),
            ("members", SUB),
        )
    }
    directory.close()

    assert found == {
        ("manager", ANA): [BO],
        ("members", GRP): [ANA, SUB],
        ("owners", GRP): [ANA],
        ("registeredOwners", DEV): [BO],
        ("members", UNIT): [ANA],
        ("members", ROLE): [BO],
        ("members", SUB): [],
    }
    assert (made.links, made.lost) == (7, 1)


def test_deleted(tmp_path: Path) -> None:
    """Objects that a delta query says are deleted are left out."""
    directory, made = take(tmp_path, ana(), {"id": BO, "@removed": {"reason": "deleted"}})
    directory.close()

    assert made.objects == {"user": 1}


def test_licences(tmp_path: Path) -> None:
    """What users have is what the tenant has bought, known products or not."""
    unknown = "99999999-0000-4000-8000-000000000000"
    e3 = "05e9a617-0261-4cee-bb44-138d3ef5d965"
    licenses = [{"disabledPlans": [], "skuId": sku} for sku in (e3, unknown)]
    directory, made = take(tmp_path, ana(assignedLicenses=licenses), bo(assignedLicenses=None))
    consumed = {
        s["skuPartNumber"]: s["consumedUnits"] for s in directory.licences.list_skus(made.tenant)
    }
    directory.close()

    assert (consumed["SPE_E3"], consumed[unknown], consumed["SPE_E5"]) == (1, 1, 0)


def test_applications(tmp_path: Path) -> None:
    """Applications get what the emulator relies on; Microsoft's own are those that are there."""
    directory, made = take(
        tmp_path,
        typed("application", id=APP, appId=SUB, displayName="Nightly", tags=["x"], web=None),
        typed(
            "servicePrincipal",
            id=SP,
            appId=SUB,
            displayName="Nightly",
            servicePrincipalNames=[SUB, "api://nightly"],
            owners=[{"id": ANA}],
        ),
        typed("servicePrincipal", id=ROLE, appId=GRAPH_APP_ID, displayName="Old Graph"),
        typed("servicePrincipal", id=UNIT, appId=MANAGEMENT_APP_ID, displayName="Old ARM"),
        typed("user", **ana()),
        typed("group", id=GRP, members=[{"id": ROLE}]),
        typed("group", id=GRP, displayName="Programs"),
        name="all.ndjson",
    )
    tenant = made.tenant
    application = directory.applications.find(tenant, SUB)
    graph = directory.service_principals.find(tenant, GRAPH_APP_ID)
    api = directory.service_principals.find_api(tenant, "api://nightly")
    members = linked(directory, tenant, "members", GRP)
    count = directory.collections.count(tenant, "servicePrincipal")
    directory.close()

    assert application is not None
    assert application.record["tags"] == ["x"]
    assert application.record["web"]["redirectUris"] == []
    assert graph is not None
    assert (graph.id, graph.display_name) == (ROLE, "Microsoft Graph")
    assert len(graph.record["appRoles"]) > 500
    assert (api and api.id, members, count) == (SP, [ROLE], 3)


def test_byte_order_mark(tmp_path: Path) -> None:
    """A file that begins with a byte order mark is read all the same."""
    directory, made = take(tmp_path, b"\xef\xbb\xbf" + json.dumps(ana()).encode())
    directory.close()

    assert made.objects == {"user": 1}


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (b"{", "line 2: this is not JSON"),
        (b'{"id": "\xff"}', "line 2: this is not"),
        (b"[1]", "line 2: this is no object"),
        (b'"x"', "line 2: this is no object"),
        (b'{"value":[]}', "line 2: the user has no id that is a GUID"),
        (bo(id="17"), "line 2: the user has no id that is a GUID"),
        (bo(id=None), "line 2: the user has no id that is a GUID"),
        ({"id": BO}, "line 2: the user has no userPrincipalName. Export with $select=id,userP"),
        (bo(userPrincipalName="bo"), "line 2: 'bo' is no user principal name"),
        (ana(), f"line 2: {ANA} is there already"),
        (
            bo(userPrincipalName="ANA@fabrikam.example"),
            "line 2: another user has the userPrincipal",
        ),
        (
            bo(accountEnabled="yes"),
            'accountEnabled of a user is Edm.Boolean, and this is not: "yes"',
        ),
        (bo(displayName=7), "displayName of a user is Edm.String, and this is not: 7"),
        (bo(businessPhones="1"), "businessPhones of a user is Collection(Edm.String)"),
        (bo(businessPhones=[1]), "businessPhones of a user is Collection(Edm.String)"),
        (bo(createdDateTime="soon"), "createdDateTime of a user is Edm.DateTimeOffset"),
        (bo(assignedLicenses=["x"]), "assignedLicenses of a user is Collection(microsoft.graph."),
        (bo(manager=[7]), "line 2, manager: an object has no id that is a GUID"),
        (bo(manager={"id": "x"}), "line 2, manager: an object has no id that is a GUID"),
        (typed("orgContact", id=BO), "has no objects of type '#microsoft.graph.orgContact', only"),
        (typed("application", id=BO), "the application has no appId"),
    ],
)
def test_refused(tmp_path: Path, line: Any, part: str) -> None:
    """One clear sentence says where and what is wrong, and nothing is imported."""
    directory = fresh()
    source = write(tmp_path / "users.ndjson", ana(), line)

    with pytest.raises(ExportFileError) as raised:
        import_files(directory, [source])

    message = str(raised.value)
    assert message.startswith(f"{source.path}, line 2")
    assert part in message
    assert message.endswith((".", "…."))
    assert "\n" not in message
    assert directory.tenants.list_all() == []
    directory.close()


def test_deep_json(tmp_path: Path) -> None:
    """JSON that is too deep to read is no JSON of Graph's."""
    with pytest.raises(ExportFileError, match="line 1: this is not JSON"):
        take(tmp_path, b'{"id":' + b"[" * 100_000)


def test_untyped(tmp_path: Path) -> None:
    """Where nothing tells the type, the message says how to."""
    with pytest.raises(ExportFileError, match=r"users\.ndjson, or say --import users=FILE"):
        take(tmp_path, ana(), name="export.ndjson")


def test_nothing(tmp_path: Path) -> None:
    """Files without any object make no tenant."""
    with pytest.raises(ExportFileError, match="There is no object in these files"):
        take(tmp_path, b"", b"  ")


def test_round_trip(tmp_path: Path, launch: Callable[..., Probe]) -> None:
    """What an emulator answers can be imported, and another one answers the same."""
    probe = launch(users=60)
    app = register(probe, "Directory.Read.All")
    token = app.token()
    sets = ("users", "groups", "devices", "applications")
    sources, before = [], {}
    for name in sets:
        before[name] = app.get(f"/v1.0/{name}?$top=999", token).json()["value"]
        if name == "groups":
            for group in before[name]:
                members = app.get(f"/v1.0/groups/{group['id']}/members?$select=id", token)
                group["members"] = members.json()["value"]
        sources.append(write(tmp_path / f"{name}.ndjson", *before[name]))
    fill_folder(tmp_path / "copy", choose_sizes(0), sources=sources)
    again = launch(tmp_path / "copy")
    twin = register(again, "Directory.Read.All")
    for group in before["groups"]:
        members = twin.get(f"/v1.0/groups/{group['id']}/members?$select=id&$top=999", twin.token())
        ids = {one["id"] for one in members.json()["value"]}
        assert ids == {m["id"] for m in group.pop("members") if "servicePrincipal" not in str(m)}
    for name in sets:
        after = twin.get(f"/v1.0/{name}?$top=999", twin.token()).json()["value"]
        known = {one["id"]: one for one in after}
        assert [known[one["id"]] for one in before[name]] == before[name]


def test_command(tmp_path: Path) -> None:
    """`emulator seed --import` makes a tenant of files, or says what is wrong with which line."""
    write(tmp_path / "users.ndjson", ana(manager={"id": BO}), bo(manager={"id": CY}))
    write(tmp_path / "more.txt", {"id": GRP, "displayName": "All", "members": [{"id": ANA}]})
    write(tmp_path / "wrong.ndjson", ana(), b"{")
    good = run_graphdaemon(
        "emulator",
        "seed",
        *("--data", tmp_path / "t", "--import", tmp_path / "users.ndjson"),
        *("--import", f"groups={tmp_path / 'more.txt'}"),
    )
    bad = run_graphdaemon(
        "emulator",
        "seed",
        *("--data", tmp_path / "u", "--import", f"users={tmp_path / 'wrong.ndjson'}"),
    )
    none = run_graphdaemon(
        "emulator", "seed", "--data", tmp_path / "v", "--import", tmp_path / "none.ndjson"
    )

    assert good.returncode == 0
    assert "2 users, 1 groups" in good.stderr
    assert "1 links were left out, because their objects are in none of the files." in good.stderr
    assert (tmp_path / "t" / STORE).exists()
    assert bad.returncode == 2
    assert "wrong.ndjson, line 2: this is not JSON" in bad.stderr
    assert not any((tmp_path / "u").iterdir())
    assert none.returncode == 2
    assert "none.ndjson" in none.stderr
