import json
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from entra_emulator.graph.access.authorize import Permit, readable_types
from entra_emulator.server.emulator import Emulator
from entra_emulator.tokens.signing import sign_token
from tests.support.emulator_probe import App, register, running
from tests.support.graph_callers import caller, may
from tests.support.graph_writer import PERMISSIONS, Writer


@pytest.mark.parametrize(
    ("route", "enough", "little"),
    [
        ("GET /users", "User.Read.All", "Group.Read.All"),
        ("GET /users/{key}", "Directory.Read.All", "Device.Read.All"),
        ("GET /users/$count", "User.Read.All", "GroupMember.Read.All"),
        ("GET /users/delta", "User.Read.All", "User.ReadBasic.All"),
        ("GET /devices/delta", "Directory.Read.All", "User.Read.All"),
        ("GET /users/{key}/memberOf/microsoft.graph.group", "Directory.Read.All", "User.Read.All"),
        ("GET /users/{key}/manager/$ref", "User.Read.All", "User.ReadBasic.All"),
        ("GET /groups/{key}/members", "GroupMember.Read.All", "User.Read.All"),
        ("GET /groups/{key}/members", "GroupMember.ReadWrite.All", "Application.Read.All"),
        ("GET /directory/administrativeUnits/delta", "Directory.Read.All", "User.Read.All"),
        ("GET /organization/{key}", "Organization.Read.All", "Group.Read.All"),
        ("GET /subscribedSkus", "LicenseAssignment.Read.All", "User.Read.All"),
        ("GET /applications", "Application.ReadWrite.OwnedBy", "User.Read.All"),
        ("GET /directory/deletedItems/microsoft.graph.user", "User.Read.All", "Group.Read.All"),
        ("GET /directory/deletedItems/{key}", "Group.Read.All", "Domain.Read.All"),
        ("POST /directory/deletedItems/{key}/restore", "User.DeleteRestore.All", "User.Read.All"),
        ("POST /users", "User.ReadWrite.All", "User.Read.All"),
        ("POST /groups", "Group.Create", "Group.Read.All"),
        ("POST /groups/{key}/members/$ref", "GroupMember.ReadWrite.All", "GroupMember.Read.All"),
        ("DELETE /groups/{key}/members/{target}/$ref", "Group.ReadWrite.All", "Group.Read.All"),
        ("POST /groups/{key}/owners/$ref", "Group.ReadWrite.All", "GroupMember.ReadWrite.All"),
        ("PUT /users/{key}/manager/$ref", "User.ReadWrite.All", "User.Read.All"),
        ("DELETE /users/{key}", "User.DeleteRestore.All", "Directory.ReadWrite.All"),
        ("POST /directoryObjects/getByIds", "User.Read.All", "Domain.Read.All"),
        ("POST /users/{key}/checkMemberGroups", "User.Read.All", "Domain.Read.All"),
        ("POST /applications/{key}/addPassword", "Application.ReadWrite.All", "User.Read.All"),
    ],
)
def test_permissions(route: str, enough: str, little: str) -> None:
    """A route opens to the published permissions and to no others."""
    assert may(enough, route) is not None
    assert may(little, route) is None
    assert may("", route) is None


def test_writers_may_read() -> None:
    """Who may read and write may read, where the table forgot to say so."""
    assert may("Directory.ReadWrite.All", "GET /applications") is not None
    assert may("User.ReadWrite.All", "GET /users/{key}/transitiveMemberOf") is not None


def test_together() -> None:
    """Assigning an app role takes two permissions; writing applications assigns only others'."""
    route = "POST /servicePrincipals/{key}/appRoleAssignedTo"
    both = may("AppRoleAssignment.ReadWrite.All Application.Read.All", route)
    applications = may("Application.ReadWrite.All", route)

    assert both is not None
    assert both.graph_roles
    assert may("AppRoleAssignment.ReadWrite.All", route) is None
    assert may("Directory.Read.All", route) is None
    assert applications is not None
    assert not applications.graph_roles


def test_basic() -> None:
    """User.ReadBasic.All shows basic properties, unless another permission shows all."""
    basic, full = "User.ReadBasic.All", "User.ReadBasic.All Directory.Read.All"

    assert [may(held, "GET /users") for held in (basic, full)] == [
        Permit(basic=True, graph_roles=False),
        Permit(graph_roles=False),
    ]


def test_owned() -> None:
    """Application.ReadWrite.OwnedBy reads every application, and writes those of its own."""
    held = "Application.ReadWrite.OwnedBy"
    permits = [may(held, f"{m} /applications/{{key}}") for m in ("GET", "PATCH", "DELETE")]
    more = may(f"{held} Application.ReadWrite.All", "PATCH /applications/{key}")

    assert [permit and permit.owned for permit in permits] == [False, True, True]
    assert more is not None
    assert not more.owned


def test_some_properties() -> None:
    """Some permissions write some properties of users and no others."""
    enabling = "User.EnableDisableAccount.All User.Read.All"
    permit = may(enabling, "PATCH /users/{key}")
    both = may(f"{enabling} User-Phone.ReadWrite.All", "PATCH /users/{key}")
    full = may(f"{enabling} User.ReadWrite.All", "PATCH /users/{key}")

    assert permit is not None
    assert permit.properties == frozenset({"accountEnabled"})
    assert both is not None
    assert both.properties == frozenset({"accountEnabled", "businessPhones", "mobilePhone"})
    assert full is not None
    assert full.properties is None


def test_hidden() -> None:
    """Hidden memberships show to who may see them."""
    permits = [
        may(held, "GET /groups/{key}/members")
        for held in ("GroupMember.Read.All", "GroupMember.Read.All Member.Read.Hidden")
    ]

    assert [permit and permit.hidden for permit in permits] == [False, True]


def test_limited_information() -> None:
    """Objects of types that the caller may not read show their type and ID only."""
    everything = {"user", "group", "device", "application", "servicePrincipal"}
    rare = {"administrativeUnit", "directoryRole"}

    assert readable_types(caller("GroupMember.Read.All")) == {"group"}
    assert readable_types(caller("User.ReadBasic.All", "Device.Read.All")) == {
        "user.basic",
        "device",
    }
    assert readable_types(caller("Application.Read.All")) == {"application", "servicePrincipal"}
    assert readable_types(caller("Directory.Read.All")) == everything | rare
    assert readable_types(caller("User.Read", delegated=True)) == set()


@pytest.mark.parametrize(
    ("route", "scopes", "roles", "expected"),
    [
        ("POST /users", "User.ReadWrite.All", "User Administrator", "all"),
        ("POST /users", "User.ReadWrite.All", "Application Administrator", "nothing"),
        ("POST /users", "User.ReadWrite.All", "", "nothing"),
        ("POST /users", "User.Read.All", "Global Administrator", "nothing"),
        ("PATCH /users/{key}", "User.ReadWrite.All", "", "itself"),
        ("PATCH /users/{key}", "User.ReadWrite", "", "itself"),
        ("PATCH /users/{key}", "Directory.AccessAsUser.All", "User Administrator", "all"),
        ("POST /groups", "Group.ReadWrite.All", "", "owned"),
        ("PATCH /groups/{key}", "Group.ReadWrite.All", "Groups Administrator", "all"),
        ("POST /groups/{key}/members/$ref", "Group.ReadWrite.All", "", "owned"),
        ("POST /applications", "Directory.AccessAsUser.All", "", "owned"),
        (
            "DELETE /applications/{key}",
            "Application.ReadWrite.All",
            "Cloud Application Administrator",
            "all",
        ),
        ("POST /oauth2PermissionGrants", "Directory.ReadWrite.All", "", "nothing"),
        ("POST /users/{key}/assignLicense", "User.ReadWrite.All", "License Administrator", "all"),
        ("DELETE /directory/deletedItems/{key}", "User.ReadWrite.All", "User Administrator", "all"),
        ("POST /directoryObjects/getByIds", "User.Read.All", "", "all"),
        ("GET /users", "User.Read.All", "", "all"),
        ("GET /users/{key}", "User.Read", "", "itself"),
        ("GET /me", "User.Read", "", "all"),
        ("GET /me/memberOf", "User.Read", "", "all"),
        ("GET /me", "openid", "", "nothing"),
        ("GET /me/{property}", "User.Read", "", "all"),
        ("GET /me/{property}/$value", "User.Read User.ReadBasic.All", "", "all"),
        ("GET /me/{property}", "openid", "", "nothing"),
    ],
)
def test_users(route: str, scopes: str, roles: str, expected: str) -> None:
    """A user's client may what both the scopes and the user's directory roles allow."""
    permit = may(scopes, route, roles=roles)

    found = (
        "nothing"
        if permit is None
        else "itself"
        if permit.itself
        else "owned"
        if permit.owned
        else "all"
    )
    assert found == expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("Global Administrator", True),
        ("Privileged Role Administrator", True),
        ("Application Administrator", False),
    ],
)
def test_users_and_graph_roles(role: str, expected: bool) -> None:
    """Graph's own app roles are assigned by the two mightiest directory roles only."""
    scopes = "AppRoleAssignment.ReadWrite.All Application.Read.All"
    permit = may(scopes, "POST /servicePrincipals/{key}/appRoleAssignedTo", roles=role)

    assert permit is not None
    assert permit.graph_roles == expected


def test_answers(app: App, token: str) -> None:
    """A token without the permission is refused as recorded, at the cost of one unit."""
    answer = app.get("/v1.0/groups", token)
    granted = register(app.probe, "Group.Read.All")

    assert (answer.status, answer.code) == (403, "Authorization_RequestDenied")
    assert answer.message == "Insufficient privileges to complete the operation."
    assert answer.headers["x-ms-resource-unit"] == "1"
    assert granted.get("/v1.0/groups").status == 200


def test_me(app: App, token: str) -> None:
    """An application has no `/me`, whatever it may read."""
    for path in ("/v1.0/me", "/v1.0/me/memberOf"):
        answer = app.get(path, token)
        assert (answer.status, answer.code) == (400, "BadRequest")


@pytest.fixture(scope="module")
def scene(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """A tenant of its own, with a group that hides its two members."""
    with running(keys, tmp_path_factory.mktemp("scene"), users=5, groups=0, devices=0) as probe:
        app = register(probe, *PERMISSIONS)
        yield Writer(app, app.token())


def as_app(scene: Writer, *permissions: str) -> Writer:
    app = register(scene.app.probe, *permissions)
    return Writer(app, app.token())


def make_group(scene: Writer, name: str, **settings: object) -> str:
    body = {"displayName": name, "mailEnabled": False, "mailNickname": name}
    answer = scene.post("/groups", body | {"securityEnabled": True} | settings)
    assert answer.status == 201, answer.body
    return str(answer.json()["id"])


def add_member(scene: Writer, group: str, member: str) -> None:
    reference = f"https://graph.microsoft.com/v1.0/directoryObjects/{member}"
    answer = scene.post(f"/groups/{group}/members/$ref", {"@odata.id": reference})
    assert answer.status == 204, answer.body


def list_users(scene: Writer) -> list[str]:
    return [user["id"] for user in scene.get("/users")["value"]]


def test_members_of_other_types(scene: Writer) -> None:
    """Members that the caller may not read show type and ID, and null for what was selected."""
    group, user = make_group(scene, "open"), list_users(scene)[0]
    add_member(scene, group, user)
    limited = as_app(scene, "GroupMember.Read.All")
    basic = as_app(scene, "GroupMember.Read.All", "User.ReadBasic.All")

    path, eventual = f"/groups/{group}/members", {"ConsistencyLevel": "eventual"}
    shown = {"@odata.type": "#microsoft.graph.user", "id": user}
    assert limited.get(path)["value"] == [shown]
    assert limited.get(f"{path}?$select=id,displayName")["value"] == [shown | {"displayName": None}]
    assert limited.get(f"{path}/microsoft.graph.user", **eventual)["value"] == [shown]
    (some,) = basic.get(f"{path}?$select=id,displayName,jobTitle")["value"]
    assert some["displayName"]
    assert some["jobTitle"] is None


def test_basic_users_and_whole_groups(scene: Writer) -> None:
    """Who sees basic properties of users sees groups as they are."""
    group = make_group(scene, "whole")
    reader = as_app(scene, "Group.Read.All", "User.ReadBasic.All")

    assert reader.get(f"/groups/{group}")["mailNickname"] == "whole"
    assert "whole" in {one["mailNickname"] for one in reader.get("/groups")["value"]}
    user = reader.get("/users?$select=id,displayName,accountEnabled")["value"][0]
    assert user["displayName"]
    assert user["accountEnabled"] is None


def test_hidden_memberships(scene: Writer) -> None:
    """A hidden membership shows to who has `Member.Read.Hidden`, from either side."""
    user = list_users(scene)[1]
    group = make_group(
        scene, "hidden", visibility="HiddenMembership", groupTypes=["Unified"], mailEnabled=True
    )
    add_member(scene, group, user)
    seeing = as_app(scene, "Directory.Read.All", "Member.Read.Hidden")
    paths = {
        f"/groups/{group}/members": user,
        f"/groups/{group}/members/$ref": user,
        f"/groups/{group}/transitiveMembers": user,
        f"/users/{user}/memberOf": group,
        f"/users/{user}/transitiveMemberOf/microsoft.graph.group": group,
    }

    for path, found in paths.items():
        assert found not in json.dumps(scene.get(path, ConsistencyLevel="eventual")["value"]), path
        assert found in json.dumps(seeing.get(path, ConsistencyLevel="eventual")["value"]), path
    singles = [f"/groups/{group}/members/{user}/graph.user", f"/users/{user}/memberOf/{group}"]
    assert {scene.send("GET", path).status for path in singles} == {404}
    assert {seeing.send("GET", path).status for path in singles} == {200}
    body, function = {"securityEnabledOnly": False}, f"/users/{user}/getMemberGroups"
    assert group not in scene.post(function, body).json()["value"]
    assert group in seeing.post(function, body).json()["value"]
    expanded = [one.get(f"/groups/{group}?$expand=members") for one in (scene, seeing)]
    assert [len(one["members"]) for one in expanded] == [0, 1]


def test_deleted_objects_of_other_types(scene: Writer) -> None:
    """A deleted object needs the permission of its type, wherever its address has none."""
    group = make_group(scene, "gone", groupTypes=["Unified"], mailEnabled=True)
    assert scene.delete(f"/groups/{group}").status == 204
    users = as_app(scene, "User.DeleteRestore.All", "User.Read.All")
    path = f"/directory/deletedItems/{group}"

    assert [
        users.send("GET", path).status,
        users.post(f"{path}/restore").status,
        users.delete(path).status,
        scene.delete(path).status,
    ] == [403, 403, 403, 204]


def test_own_applications(scene: Writer) -> None:
    """Application.ReadWrite.OwnedBy changes what it made, and nothing else."""
    owner = as_app(scene, "Application.ReadWrite.OwnedBy")
    own = owner.post("/applications", {"displayName": "Own"}).json()["id"]
    foreign = scene.post("/applications", {"displayName": "Foreign"}).json()["id"]
    change = {"displayName": "Changed"}

    assert owner.patch(f"/applications/{own}", change).status == 204
    assert owner.patch(f"/applications/{foreign}", change).status == 403
    assert owner.delete(f"/applications/{foreign}").status == 403
    assert owner.send("GET", f"/applications/{foreign}").status == 200


def test_new_permissions_need_a_new_token(scene: Writer) -> None:
    """Consent is in the tokens issued after it, not in those before."""
    reader = as_app(scene, "User.Read.All")
    directory, tenant = scene.app.probe.emulator.directory, scene.app.tenant
    directory.applications.add_application_permission(
        tenant, reader.app.client_id, "Group.Read.All"
    )
    directory.consents.grant_admin_consent(tenant, reader.app.client_id)
    fresh = Writer(reader.app, reader.app.token())

    assert [one.send("GET", "/groups").status for one in (reader, fresh)] == [403, 200]


@pytest.mark.parametrize(
    ("role", "scopes", "statuses"),
    [
        (None, "User.Read", [200, 403, 403, 403]),
        (None, "User.ReadWrite.All", [200, 200, 204, 403]),
        ("User Administrator", "User.ReadWrite.All", [200, 200, 204, 204]),
    ],
)
def test_signed_in(scene: Writer, role: str | None, scopes: str, statuses: list[int]) -> None:
    """What a user's client may do is bounded by the user: oneself, others, with a role."""
    me, other = list_users(scene)[2:4] if role is None else list_users(scene)[3:1:-1]
    emulator = scene.app.probe.emulator
    if role is not None:
        emulator.directory.role_members.assign(scene.app.tenant, me, role)
    user = Writer(scene.app, sign(emulator, scene.app, me, scopes))
    change = {"jobTitle": "Gardener"}

    assert [
        user.send("GET", f"/users/{me}").status,
        user.send("GET", f"/users/{other}").status,
        user.patch(f"/users/{me}", change).status,
        user.patch(f"/users/{other}", change).status,
    ] == statuses


def sign(emulator: Emulator, app: App, user_id: str, scopes: str) -> str:
    """A delegated token, as the token service would make one after a sign-in."""
    claims = jwt.decode(app.token(), options={"verify_signature": False})
    del claims["roles"]
    claims |= {"oid": user_id, "scp": scopes, "idtyp": "user"}
    return sign_token(emulator.keys, claims)
