"""What is linked to an object: lists, casts, references, counts, expansions."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

import msgspec
import pytest

from entra_emulator.directory.object_collections import Span
from entra_emulator.graph.objects import replica
from tests.support.emulator_probe import Probe, register
from tests.support.graph_writer import NOBODY, Writer, start_writer
from tests.support.linked_objects import CHAIN, GLOBAL_ADMINISTRATOR, Scene, walk


def test_members(scene: Scene) -> None:
    """Members come in pages, each once, with their types, the ID in front."""
    assert walk(scene, f"/groups/{scene.inner}/members?$top=7") == scene.users
    first = scene.get(f"/groups/{scene.inner}/members?$top=1").json()
    assert first["@odata.context"].endswith("/v1.0/$metadata#directoryObjects")
    assert list(first["value"][0])[:2] == ["@odata.type", "id"]
    assert first["value"][0]["@odata.type"] == "#microsoft.graph.user"


PERMISSIONS = {
    "every type": "Directory.Read.All",
    "groups alone": "GroupMember.Read.All",
    "groups, and little of users": "GroupMember.Read.All User.ReadBasic.All",
}


@pytest.mark.parametrize("permissions", PERMISSIONS.values(), ids=PERMISSIONS)
@pytest.mark.parametrize("metadata", ["minimal", "none"])
def test_members_of_several_types_are_shown_alike_whether_direct_or_not(
    probe: Probe, writer: Writer, permissions: str, metadata: str
) -> None:
    group = writer.make_group()
    device = {"id": str(uuid4()), "displayName": "Laptop", "deviceId": str(uuid4())}
    probe.emulator.directory.objects.create(writer.app.tenant, "device", device)
    members = [
        *(writer.make_user(displayName=name) for name in ("A", 'B "},{"')),
        device,
        *writer.get("/servicePrincipals?$top=1")["value"],
        writer.make_group(description='a "}, b'),
    ]
    for member in members:
        assert writer.link(f"/groups/{group['id']}/members", member["id"]).status == 204
    app = register(probe, *permissions.split(), tenant=writer.app.tenant)
    token, accept = app.token(), f"application/json;odata.metadata={metadata}"

    direct, transitive = (
        app.get(f"/v1.0/groups/{group['id']}/{name}", token, accept=accept)
        for name in ("members", "transitiveMembers")
    )

    assert len(direct.json()["value"]) == len(members)
    assert direct.body.partition(b'"value":')[2] == transitive.body.partition(b'"value":')[2]


def test_transitive(scene: Scene) -> None:
    """Transitive lists go through the groups in between."""
    assert set(scene.ids(f"/groups/{scene.outer}/members")) == {scene.inner, scene.device}
    everybody = {scene.inner, scene.device, *scene.users}
    assert set(walk(scene, f"/groups/{scene.outer}/transitiveMembers?$top=9")) == everybody
    assert scene.ids(f"/users/{scene.users[5]}/memberOf") == [scene.inner]
    above = scene.ids(f"/users/{scene.users[5]}/transitiveMemberOf")
    assert above == [scene.inner, scene.outer]


def test_casts(scene: Scene) -> None:
    """A cast leaves one type, says so in the context, and needs no types in the items."""
    answer = scene.get(f"/groups/{scene.outer}/members/microsoft.graph.device").json()

    assert answer["@odata.context"].endswith("#devices")
    assert [item["id"] for item in answer["value"]] == [scene.device]
    assert "@odata.type" not in answer["value"][0]
    assert scene.ids(f"/groups/{scene.outer}/members/microsoft.graph.user") == []


EVERY_LIST = [
    ("/groups/{outer}/members", "device"),
    ("/groups/{outer}/transitiveMembers", "user"),
    ("/groups/{outer}/owners", "user"),
    ("/groups/{inner}/memberOf", "group"),
    ("/users/{user}/transitiveMemberOf", "group"),
    ("/users/{user}/ownedObjects", "group"),
    ("/users/{user}/ownedDevices", "device"),
    ("/users/{user}/directReports", "user"),
    ("/devices/{device}/memberOf", "group"),
    ("/devices/{device}/registeredOwners", "user"),
]


@pytest.mark.parametrize(("path", "kind"), EVERY_LIST)
@pytest.mark.parametrize("namespace", ["graph", "microsoft.graph", "Graph"])
def test_every_list_is_cast_by_either_name_of_the_namespace(
    scene: Scene, path: str, kind: str, namespace: str
) -> None:
    path = path.format(
        outer=scene.outer, inner=scene.inner, user=scene.users[0], device=scene.device
    )
    cast = f"{path}/{namespace}.{kind}"

    ids = scene.ids(cast)
    assert ids
    assert set(ids) <= set(walk(scene, path))
    number = scene.get(f"{cast}/$count", ConsistencyLevel="eventual")
    assert number.body == str(len(walk(scene, cast))).encode()
    one = scene.get(f"{path}/{ids[0]}/{namespace}.{kind}").json()
    assert one["id"] == ids[0]
    assert one["@odata.context"].endswith(f"#{kind}s/$entity")
    assert scene.ids(f"{path}/{namespace}.orgContact") == []


def test_one_of_the_linked_objects_is_shown_with_its_type(scene: Scene) -> None:
    path = f"/users/{scene.users[5]}/transitiveMemberOf"

    one = scene.get(f"{path}/{scene.outer}").json()

    assert (one["id"], one["@odata.type"]) == (scene.outer, "#microsoft.graph.group")
    # Graph has no address of a member without a cast.
    assert scene.get(f"/groups/{scene.inner}/members/{scene.users[0]}").status == 400


@pytest.mark.parametrize("cast", ["graph.user", "graph.group"])
def test_an_object_that_is_not_linked_or_of_another_type_is_not_there(
    scene: Scene, cast: str
) -> None:
    not_linked = scene.get(f"/groups/{scene.outer}/members/{scene.users[0]}/{cast}")
    of_another_type = scene.get(f"/groups/{scene.outer}/members/{scene.device}/{cast}")

    assert (not_linked.status, of_another_type.status) == (404, 404)


def test_counts(scene: Scene) -> None:
    """How many there are is told to who accepts the other index."""
    path = f"/groups/{scene.inner}/members/$count"

    assert scene.get(path).code == "Request_BadRequest"
    assert scene.get(path, ConsistencyLevel="eventual").body == str(CHAIN).encode()
    cast = f"/groups/{scene.outer}/transitiveMembers/microsoft.graph.user/$count"
    assert scene.get(cast, ConsistencyLevel="eventual").body == str(CHAIN).encode()


def test_a_single_link_has_a_reference_too(scene: Scene) -> None:
    answer = scene.get(f"/users/{scene.users[1]}/manager/$ref").json()

    assert answer["@odata.context"].endswith("/$metadata#$ref")
    assert answer["@odata.id"].endswith(f"{scene.users[0]}/Microsoft.DirectoryServices.User")
    assert scene.get(f"/users/{scene.users[0]}/manager/$ref").status == 404


def test_references(scene: Scene) -> None:
    """References are the directory's own addresses."""
    answer = scene.get(f"/groups/{scene.outer}/owners/$ref").json()

    assert answer["@odata.context"].endswith("#Collection($ref)")
    (item,) = answer["value"]
    assert item["@odata.id"].endswith(f"{scene.users[0]}/Microsoft.DirectoryServices.User")


def test_manager(scene: Scene) -> None:
    """A manager is one object; nobody at the top is a 404 with the recorded words."""
    answer = scene.get(f"/users/{scene.users[3]}/manager?$select=id,displayName").json()
    top = scene.get(f"/users/{scene.users[0]}/manager")

    assert answer["id"] == scene.users[2]
    assert list(answer)[1:] == ["@odata.type", "id", "displayName"]
    assert (top.status, top.code) == (404, "Request_ResourceNotFound")
    assert top.message.startswith("Resource 'manager' does not exist")
    assert scene.ids(f"/users/{scene.users[2]}/directReports") == [scene.users[3]]


@pytest.mark.parametrize("accept", ["application/json;odata.metadata=none"])
def test_no_metadata(scene: Scene, accept: str) -> None:
    """Who wants no metadata gets neither context nor types, but the next link."""
    answer = scene.get(f"/groups/{scene.inner}/members?$top=2", accept=accept).json()

    assert list(answer) == ["@odata.nextLink", "value"]
    assert "@odata.type" not in answer["value"][0]


def test_filter_members(scene: Scene) -> None:
    """Members are filtered by the advanced index only."""
    path = f"/groups/{scene.inner}/members?$count=true&$filter="
    user = scene.get(f"/users/{scene.users[7]}").json()
    condition = quote(f"startswith(displayName,'{user['displayName']}')")

    assert scene.get(path + condition).status == 400
    page = scene.get(path + condition, ConsistencyLevel="eventual").json()
    assert user["id"] in [item["id"] for item in page["value"]]
    assert page["@odata.count"] == len(page["value"])


@pytest.mark.parametrize("direction", ["", " desc"])
def test_order_members(scene: Scene, direction: str) -> None:
    """Members are sorted by the advanced index, over all pages."""
    names, link = [], f"/groups/{scene.inner}/members?$count=true&$top=7&$orderby=displayName"
    link += quote(direction)
    while link:
        page = scene.get(link.partition("/v1.0")[2] or link, ConsistencyLevel="eventual").json()
        names += [item["displayName"].casefold() for item in page["value"]]
        link = page.get("@odata.nextLink", "")

    assert names == sorted(names, reverse=bool(direction))
    assert len(names) == CHAIN


def test_company(scene: Scene) -> None:
    """The tenant shows itself, its domains, and nothing of another."""
    tenant = scene.app.tenant
    (organization,) = scene.get("/organization").json()["value"]
    domains = scene.get("/domains?$select=id,isInitial").json()["value"]

    assert organization["id"] == tenant.id
    assert [domain["name"] for domain in organization["verifiedDomains"]] == [*tenant.domains]
    assert domains == [{"id": name, "isInitial": n == 0} for n, name in enumerate(tenant.domains)]
    assert scene.get(f"/organization/{tenant.id}").json()["id"] == tenant.id
    assert scene.get(f"/domains/{tenant.domains[1]}").json()["isDefault"]
    assert scene.get("/domains/nobody.example").status == 404


def test_lagging_replica(scene: Scene) -> None:
    """A replica that lags shows what was there before: renamed, made and deleted objects too."""
    directory, tenant = scene.app.probe.emulator.directory, scene.app.tenant
    before = [doc for _, doc in directory.collections.scan(tenant, "user")]
    directory.clock.move(1000)
    record: dict[str, Any] = msgspec.json.decode(before[0])
    directory.objects.update(tenant, "user", record["id"], {"displayName": "Zz"})
    gone = directory.objects.find(tenant, scene.users[1])
    assert gone is not None
    directory.recycle_bin.delete(tenant, gone)
    new = {"id": "00000000-0000-4000-8000-00000000000a", "userPrincipalName": "n@x.example"}
    directory.objects.create(tenant, "user", new | {"displayName": "New"})
    try:
        stale = replica.scan_stale(directory, tenant, "user", Span(), 500)
        assert [doc for _, doc in stale] == before
        row = replica.find_stale(directory, tenant, "user", scene.users[1], 500)
        assert row == gone
        assert replica.find_stale(directory, tenant, "user", new["id"], 500) is None
    finally:
        deleted = directory.recycle_bin.find(tenant, scene.users[1])
        assert deleted is not None
        directory.recycle_bin.restore(tenant, deleted)
        directory.objects.update(
            tenant, "user", record["id"], {"displayName": record["displayName"]}
        )


def test_one_linked_object_is_asked_for_by_its_id_without_the_other_index(
    scene: Scene, probe: Probe
) -> None:
    writer = start_writer(probe)
    user, other, group = writer.make_user()["id"], writer.make_user()["id"], writer.make_group()
    application = writer.make("/applications", {"displayName": "x"})
    unit = writer.make("/administrativeUnits", {"displayName": "x"})
    role = writer.make("/directoryRoles", {"roleTemplateId": GLOBAL_ADMINISTRATOR})
    for path in (
        f"/groups/{group['id']}/members",
        f"/groups/{group['id']}/owners",
        f"/applications/{application['id']}/owners",
        f"/administrativeUnits/{unit['id']}/members",
        f"/directoryRoles/{role['id']}/members",
    ):
        assert writer.link(path, user).status == 204
        for key, ids in ((user, [user]), (user.upper(), [user]), (other, []), (NOBODY, [])):
            found = writer.get(f"{path}?$filter=id%20eq%20'{key}'")["value"]
            assert [one["id"] for one in found] == ids, (path, key)
        cast = writer.get(f"{path}/microsoft.graph.user?$filter=id%20eq%20'{user}'")["value"]
        assert [one["id"] for one in cast] == [user]
        assert writer.send("GET", f"{path}?$filter=mail%20eq%20'x'").status == 400
    names = f"/users/{user}/memberOf?$filter=id%20eq%20'{group['id']}'"
    assert [one["id"] for one in writer.get(names)["value"]] == [group["id"]]
    assert scene.ids(f"/groups/{scene.inner}/members?$filter=id%20eq%20'{scene.users[-1]}'") == [
        scene.users[-1]
    ]


ADVANCED = {"ConsistencyLevel": "eventual"}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("isof('microsoft.graph.user')", {"user"}),
        ("isof('graph.user')", {"user"}),
        ("isof(microsoft.graph.device)", {"device"}),
        ("isOf('Microsoft.Graph.Device') or isOf('Microsoft.Graph.Group')", {"device", "group"}),
        ("not isof('microsoft.graph.user')", {"device", "group"}),
        ("not(isof('microsoft.graph.user') or isof('microsoft.graph.group'))", {"device"}),
        ("isof('microsoft.graph.directoryObject')", {"device", "group", "user"}),
        ("isof('microsoft.graph.group') and displayName eq 'Inner'", {"group"}),
        ("isof('microsoft.graph.device') and displayName eq 'Inner'", set()),
        ("isof('microsoft.graph.orgContact')", set()),
    ],
)
def test_a_list_of_several_types_is_filtered_by_type(
    scene: Scene, text: str, kinds: set[str]
) -> None:
    path = f"/groups/{scene.outer}/transitiveMembers"
    options = f"$filter={quote(text)}&$count=true&$top=999"
    page = scene.get(f"{path}?{options}", **ADVANCED).json()

    assert {one["@odata.type"].rpartition(".")[2] for one in page["value"]} == kinds
    assert page["@odata.count"] == len(page["value"])
    counted = scene.get(f"{path}/$count?$filter={quote(text)}", **ADVANCED)
    assert counted.body == str(len(page["value"])).encode()
    many = {"user": CHAIN, "device": 1, "group": 1}
    assert len(page["value"]) == sum(many[kind] for kind in kinds)


@pytest.mark.parametrize(
    ("text", "alike"),
    [
        ("isof('microsoft.graph.user')", "displayName ne 'nobody'"),
        ("not isof('microsoft.graph.agentUser')", "displayName ne 'nobody'"),
        ("isof('microsoft.graph.agentUser')", "id eq 'nobody'"),
        ("isof('microsoft.graph.group') or accountEnabled eq true", "accountEnabled eq true"),
    ],
)
@pytest.mark.parametrize("path", ["/users", "/groups/{inner}/members/graph.user"])
def test_a_list_of_one_type_is_filtered_by_type_too(
    scene: Scene, path: str, text: str, alike: str
) -> None:
    path = path.format(inner=scene.inner)

    def find(condition: str) -> list[str]:
        options = f"$filter={quote(condition)}&$count=true&$top=999"
        return scene.ids(f"{path}?{options}", **ADVANCED)

    assert find(text) == find(alike)
    counted = scene.get(f"{path}/$count?$filter={quote(text)}", **ADVANCED)
    assert counted.body == str(len(find(alike))).encode()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("isof('microsoft.graph.nothing')", 400),
        ("isof(displayName,'microsoft.graph.user')", 400),
        ("isof('microsoft.graph.user'", 400),
        ("isof('microsoft.graph.user') or displayName eq 'Inner'", 501),
    ],
)
def test_what_is_no_type_or_differs_by_type_is_refused(
    scene: Scene, text: str, status: int
) -> None:
    path = f"/groups/{scene.outer}/members?$filter={quote(text)}&$count=true"

    assert scene.get(path, **ADVANCED).status == status
