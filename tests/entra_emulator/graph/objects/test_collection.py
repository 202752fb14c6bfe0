import re
from collections.abc import Callable
from urllib.parse import quote

import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.model import schema
from entra_emulator.model.kinds import KINDS
from tests.support.emulator_probe import App, Probe, register
from tests.support.graph_users import DEFAULT, USERS, Ask, ids, walk


def test_list(app: App, get: Ask) -> None:
    """A list has a hundred default users in the recorded key order."""
    answer = get("/users")
    page = answer.json()

    assert list(page) == ["@odata.context", "@odata.nextLink", "value"]
    assert page["@odata.context"] == f"{app.probe.emulator.url}/v1.0/$metadata#users"
    assert len(page["value"]) == 100
    assert [list(user) for user in page["value"]] == [DEFAULT] * 100
    expected = {name: USERS[0].get(name) for name in DEFAULT}
    assert page["value"][0] == expected | {"businessPhones": USERS[0].get("businessPhones", [])}


@pytest.mark.parametrize("top", [*range(1, 12), 83, 99, 124, 125, 126, 249, 250, 251, 999])
def test_paging(app: App, token: str, top: int) -> None:
    """Walking pages of any size yields every user once, in the same order."""
    pages = walk(app, token, f"/v1.0/users?$top={top}")

    assert ids(pages) == [user["id"] for user in USERS]
    assert {len(page["value"]) for page in pages[:-1]} <= {top}


@pytest.mark.parametrize("column", ["displayName", "userPrincipalName"])
@pytest.mark.parametrize("direction", ["", " asc", " desc"])
def test_ordered_paging(app: App, token: str, column: str, direction: str) -> None:
    """An ordered walk yields every user once, in order, equal names too."""
    order = quote(column + direction)
    pages = walk(app, token, f"/v1.0/users?$orderby={order}&$top=7&$select=id,{column}")

    users = [user for page in pages for user in page["value"]]
    names = [user[column].casefold() for user in users]
    assert names == sorted(names, reverse=direction == " desc")
    assert {user["id"] for user in users} == {user["id"] for user in USERS}
    assert len(users) == len(USERS)


ADVANCED = {"ConsistencyLevel": "eventual"}


@pytest.fixture(scope="module")
def reader(probe: Probe) -> Ask:
    app = register(probe, "Directory.Read.All")
    token = app.token()
    return lambda target, **headers: app.get(target, token, **headers)


@pytest.mark.parametrize("top", [7, 999])
@pytest.mark.parametrize(
    ("path", "column"),
    [
        ("users", "createdDateTime"),
        ("devices", "approximateLastSignInDateTime"),
        ("applications", "createdDateTime"),
        ("servicePrincipals", "createdDateTime"),
    ],
)
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_list_is_walked_in_the_order_of_a_time(
    reader: Ask, app: App, path: str, column: str, direction: str, top: int
) -> None:
    options = f"$select=id,{column}&$count=true"
    link = f"/v1.0/{path}?$orderby={column}%20{direction}&$top={top}&{options}"
    shown: list[dict[str, str | None]] = []
    while link:
        page = reader(link.removeprefix(app.probe.emulator.url), **ADVANCED).json()
        shown += page["value"]
        link = page.get("@odata.nextLink", "")

    everybody = reader(f"/v1.0/{path}?$top=999&{options}", **ADVANCED).json()
    assert {one["id"] for one in shown} == {one["id"] for one in everybody["value"]}
    assert len(shown) == everybody["@odata.count"]
    times = [one[column] or "" for one in shown]
    assert times == sorted(times, reverse=direction == "desc")


def test_a_filtered_list_is_sorted_by_time_and_counted(app: App, token: str) -> None:
    options = "$orderby=createdDateTime desc&$filter=startswith(displayName,'A')&$count=true"
    page = app.get(
        f"/v1.0/users?{quote(options, safe='$=&')}&$select=displayName,createdDateTime",
        token,
        **ADVANCED,
    ).json()

    expected = [user for user in USERS if user["displayName"].casefold().startswith("a")]
    assert page["@odata.count"] == len(page["value"]) == len(expected) > 1
    times = [user["createdDateTime"] for user in page["value"]]
    assert times == sorted(times, reverse=True)


def test_next_link(app: App, token: str) -> None:
    """A next link repeats the options as sent, on the host the caller used."""
    target = "/v1.0/myorganization/Users?%24select=Id,mail&$top=2&x=1"
    port = app.probe.emulator.url.rpartition(":")[2]
    first = app.get(target, token, Host=f"localhost:{port}").json()
    link = first["@odata.nextLink"]

    prefix = f"https://localhost:{port}{target}&$skiptoken="
    assert link.startswith(prefix + "RFNwdAIA")
    assert re.fullmatch(r"[A-Za-z0-9_-]+", link.removeprefix(prefix))
    second = app.get(link.removeprefix(f"https://localhost:{port}"), token).json()
    assert second["@odata.nextLink"].count("$skiptoken") == 1
    context = f"https://localhost:{port}/v1.0/$metadata#users(id,mail)"
    assert first["@odata.context"] == context


def test_count(app: App, token: str) -> None:
    """With ConsistencyLevel the first page has the total, the following have not."""
    pages = walk(app, token, "/v1.0/users?$count=true&$top=100", ConsistencyLevel="eventual")
    ignored = app.get("/v1.0/users?$count=true", token).json()

    assert list(pages[0]) == ["@odata.context", "@odata.count", "@odata.nextLink", "value"]
    assert [page.get("@odata.count") for page in pages] == [250, None, None]
    assert "@odata.count" not in ignored


def test_plain_count(get: Ask) -> None:
    """`/$count` is a bare number as plain text, with a filter if there is one."""
    answers = [
        get(target, ConsistencyLevel="eventual")
        for target in (
            "/users/$count",
            "/users/%24count?$filter=userType%20ne%20'Member'",
            "/users/$COUNT?$filter=accountEnabled+eq+false",
        )
    ]

    guests = sum(user["userType"] == "Guest" for user in USERS)
    disabled = sum(not user["accountEnabled"] for user in USERS)
    assert [int(answer.body) for answer in answers] == [250, guests, disabled]
    assert answers[0].headers["content-type"].startswith("text/plain")


def test_select(app: App, get: Ask) -> None:
    """What is selected is shown, null or empty when unset; of unset extensions nothing."""
    page = get("/users?$top=1&$select=userprincipalname,ACCOUNTENABLED,skills2,id").json()
    assert page["error"]["message"].endswith(
        "Could not find a property named 'skills2' on type 'microsoft.graph.user'."
    )

    names = "userprincipalname,ACCOUNTENABLED,assignedLicenses,aboutMe,extension_0a_size"
    user = get(f"/users/{USERS[0]['id']}?$select={names}").json()

    url = app.probe.emulator.url
    canonical = "userPrincipalName,accountEnabled,assignedLicenses,aboutMe,extension_0a_size"
    assert user == {
        "@odata.context": f"{url}/v1.0/$metadata#users({canonical})/$entity",
        "userPrincipalName": USERS[0]["userPrincipalName"],
        "accountEnabled": True,
        "assignedLicenses": [],
        "aboutMe": None,
    }


@pytest.mark.parametrize("kind", ["user", "group", "servicePrincipal"])
def test_select_defaults(probe: Probe, kind: str) -> None:
    """Selected by name, the default properties show in that order, which the context names."""
    app = register(probe, "Directory.Read.All")
    token, target = app.token(), f"/v1.0/{KINDS[kind].collection}?$top=20"
    plain = app.get(target, token).json()["value"]
    names = schema.default(kind)
    for order in (names, names[::-1]):
        answer = app.get(f"{target}&$select={','.join(order)}", token)

        page = answer.json()
        assert page["@odata.context"].endswith(f"#{KINDS[kind].collection}({','.join(order)})")
        assert answer.headers["x-ms-resource-unit"] == "1"
        assert [tuple(one) for one in page["value"]] == [order] * len(plain)
        assert page["value"] == plain


def test_select_star(get: Ask) -> None:
    """`$select=*` shows every property that collections can show."""
    user = get("/users?$select=*&$top=1").json()["value"][0]

    shown = set(user)
    assert shown == set(schema.declared("user")) - schema.SINGLE_USER_ONLY - {"signInActivity"}


def test_page_token_is_bound(app: App, token: str) -> None:
    """A page token is good for its own query in its own mode only, and not when altered."""
    base = "/v1.0/users?$top=5"
    link = app.get(base, token).json()["@odata.nextLink"]
    page_token = link.partition("$skiptoken=")[2]
    flipped = "B" if page_token[-10] == "A" else "A"
    altered = page_token[:-10] + flipped + page_token[-9:]
    others = [
        (f"{base}&$skiptoken={altered}", {}),
        (f"{base}&$skiptoken={page_token[:-4]}", {}),
        (f"/v1.0/users?$top=6&$skiptoken={page_token}", {}),
        (f"{base}&$select=id&$skiptoken={page_token}", {}),
        (f"{base}&$skiptoken={page_token}", {"ConsistencyLevel": "eventual"}),
    ]

    answers = [app.get(target, token, **headers) for target, headers in others]

    assert {(a.status, a.message) for a in answers} == {(400, "Invalid Skip Token")}
    assert app.get(f"{base}&$skiptoken={page_token}", token).status == 200


def test_page_token_of_another_tenant(launch: Callable[..., Probe]) -> None:
    """A page token does not lead into another tenant."""
    probe = launch(users=30)
    directory = probe.emulator.directory
    tenant = directory.tenants.create("Fabrikam", ("fabrikam.example",))
    directory.objects.fill(tenant, "user", draw_users(30, 1))
    home = register(probe, "User.Read.All")
    foreign = register(probe, "User.Read.All", tenant=tenant)

    link = home.get("/v1.0/users?$top=5").json()["@odata.nextLink"]

    assert foreign.get(link).message == "Invalid Skip Token"
    theirs = {user["id"] for user in foreign.get("/v1.0/users?$top=999").json()["value"]}
    assert theirs == {user["id"] for user in draw_users(30, 1)}
    assert foreign.get(f"/v1.0/users/{USERS[0]['id']}").status == 404


def test_page_token_expires(launch: Callable[..., Probe]) -> None:
    """A page token older than the set age is refused in the quoted form."""
    clock = Clock(at=1_800_000_000)
    probe = launch(clock=clock, page_token_age=600, users=10)
    app = register(probe, "User.Read.All")
    token = app.token()
    link = app.get("/v1.0/users?$top=5", token).json()["@odata.nextLink"]

    clock.move(599)
    in_time = app.get(link, token).status
    clock.move(2)
    late = app.get(link, token)

    assert (in_time, late.status, late.code) == (200, 400, "Directory_ExpiredPageToken")
