import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from entra_emulator.clock import Clock
from entra_emulator.content.seeding.users import draw_users
from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.model import schema
from tests.support.certificates_and_assertions import make_key
from tests.support.emulator_probe import Answer, App, Probe, register
from tools.fidelity import list_reached

DEFAULT = (
    "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation "
    "preferredLanguage surname userPrincipalName id"
).split()
SUCCESS_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)
USERS = list(draw_users(250, 0))
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def get(app: App, token: str) -> Ask:
    return lambda target, **headers: app.get(f"/v1.0{target}", token, **headers)


def walk(app: App, token: str, target: str, **headers: str) -> list[dict[str, Any]]:
    """Every page from the first on, each link followed byte for byte."""
    pages = []
    while target:
        answer = app.get(target, token, **headers)
        assert answer.status == 200, answer.body
        pages.append(answer.json())
        target = pages[-1].get("@odata.nextLink", "")
    return pages


def ids(pages: list[dict[str, Any]]) -> list[str]:
    return [user["id"] for page in pages for user in page["value"]]


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


def test_list_headers(get: Ask) -> None:
    """A list answers with the recorded headers and its cost."""
    headers = get("/users").headers

    expected = {
        "cache-control": "no-cache",
        "content-type": SUCCESS_TYPE,
        "odata-version": "4.0",
        "strict-transport-security": "max-age=31536000",
        "vary": "Accept-Encoding",
        "x-ms-resource-unit": "2",
        "client-request-id": headers["request-id"],
    }
    assert headers | expected == headers
    assert headers["x-ms-ags-diagnostic"].startswith('{"ServerInfo":{"DataCenter":')
    assert {"server", "etag"}.isdisjoint(headers)


def test_client_request_id(get: Ask) -> None:
    """The caller's own request ID comes back beside the service's."""
    headers = get("/users", client_request_id="mine").headers

    assert headers["client-request-id"] == "mine"
    assert headers["request-id"] != "mine"


@pytest.mark.parametrize(
    ("target", "units"),
    [
        ("/users", 2),
        ("/users?$top=999", 2),
        ("/users?$top=19", 1),
        ("/users?$select=id", 1),
        ("/users?$select=id&$top=5", 1),
        (f"/users/{USERS[0]['id']}", 1),
    ],
)
def test_cost(get: Ask, target: str, units: int) -> None:
    """Resource units are the documented ones, never below one."""
    assert get(target).headers["x-ms-resource-unit"] == str(units)


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


def test_select_star(get: Ask) -> None:
    """`$select=*` shows every property that collections can show."""
    user = get("/users?$select=*&$top=1").json()["value"][0]

    shown = set(user)
    assert shown == set(schema.declared("user")) - schema.SINGLE_USER_ONLY - {"signInActivity"}


@pytest.mark.parametrize(
    "spelling",
    [
        "/users/{id}",
        "/users/{ID}",
        "/users/{upn}",
        "/users/{UPN}",
        "/users('{upn}')",
        "/Users('{id}')",
        "//users//{id}/",
        "/myorganization/users/{id}",
        "/myOrganization/USERS('{UPN}')",
    ],
)
def test_spellings(app: App, get: Ask, spelling: str) -> None:
    """One user is found by ID and by user principal name, in every spelling of the path."""
    user_id, upn = USERS[1]["id"], USERS[1]["userPrincipalName"]
    target = spelling.format(id=user_id, ID=user_id.upper(), upn=upn, UPN=upn.upper())
    user = get(target).json()

    assert list(user) == ["@odata.context", *DEFAULT]
    assert user["@odata.context"] == f"{app.probe.emulator.url}/v1.0/$metadata#users/$entity"
    assert user["id"] == user_id


def test_difficult_names(get: Ask) -> None:
    """Guests' names with # and quotes in keys are found when encoded."""
    guest = next(user for user in USERS if user["userType"] == "Guest")
    upn = guest["userPrincipalName"]

    for target in (f"/users/{quote(upn)}", f"/users('{quote(upn)}')"):
        assert get(target).json()["id"] == guest["id"]
    missing = get("/users('o''neill@contoso.example')")
    assert missing.message.startswith("Resource 'o'neill@contoso.example' does not exist")


def test_beta(app: App, token: str) -> None:
    """The beta version answers alike, and says so in its context."""
    page = app.get("/BETA/users?$top=1", token).json()

    assert page["@odata.context"] == f"{app.probe.emulator.url}/beta/$metadata#users"


def test_no_metadata(get: Ask) -> None:
    """`odata.metadata=none` drops the context and keeps the next link, on which PnP CLI relies."""
    answer = get("/users?$top=1", Accept="application/json; odata.metadata=none")

    assert list(answer.json()) == ["@odata.nextLink", "value"]
    assert answer.headers["content-type"].startswith("application/json;odata.metadata=none;")


def sign_token(app: App, key: object = None, **changes: object) -> str:
    """A token of the emulator's own making, spoilt."""
    pem = (app.probe.emulator.data / "signing-keys.pem").read_bytes()
    real = app.token()
    claims = jwt.decode(real, options={"verify_signature": False}) | changes
    header = jwt.get_unverified_header(real)
    signer: Any = key or load_pem_private_key(pem, None)
    return jwt.encode(claims, signer, "RS256", headers={"kid": header["kid"]})


def spoil(app: App, case: str) -> str | None:
    now = int(time.time())
    real = app.token()
    head, body, signature = real.split(".")
    spoilt: dict[str, Callable[[], str | None]] = {
        "no header": lambda: None,
        "empty": lambda: "Bearer ",
        "another scheme": lambda: "Basic eDp5",
        "no dots": lambda: "Bearer nonsense",
        "bad header": lambda: f"Bearer *.{body}.{signature}",
        "header not JSON": lambda: f"Bearer {body[:5]}.{body}.{signature}",
        "bad payload": lambda: f"Bearer {head}.*.{signature}",
        "two segments": lambda: f"Bearer {head}.{body}",
        "altered": lambda: f"Bearer {head}.{body}.{signature[:-6]}AAAAAA",
        "unsigned": lambda: "Bearer " + jwt.encode({"aud": "x"}, "", "none"),
        "unknown key": lambda: "Bearer " + jwt.encode({}, make_key(), "RS256", {"kid": "x"}),
        "kid a list": lambda: "Bearer eyJraWQiOlsiYSJdLCJhbGciOiJSUzI1NiJ9.e30.AA",
        "signed by another": lambda: "Bearer " + sign_token(app, make_key()),
        "expired": lambda: "Bearer " + sign_token(app, exp=now - 1),
        "early": lambda: "Bearer " + sign_token(app, nbf=now + 400),
        "foreign audience": lambda: "Bearer " + sign_token(app, aud="https://api.example"),
        "audience a list": lambda: "Bearer " + sign_token(app, aud=["https://api.example"]),
        "unknown tenant": lambda: "Bearer " + sign_token(app, tid="elsewhere"),
    }
    return spoilt[case]()


UNAUTHORIZED = {
    "no header": "token_empty",
    "empty": "token_empty",
    "another scheme": "token_empty",
    "no dots": "token_shapeless",
    "bad header": "token_undecodable",
    "header not JSON": "token_undecodable",
    "bad payload": "token_forged",
    "two segments": "token_forged",
    "altered": "token_forged",
    "unsigned": "token_forged",
    "unknown key": "token_forged",
    "kid a list": "token_forged",
    "signed by another": "token_forged",
    "expired": "token_expired",
    "early": "token_early",
    "foreign audience": "token_foreign",
    "audience a list": "token_foreign",
    "unknown tenant": "caller_unknown",
}


@pytest.mark.parametrize(("case", "word"), UNAUTHORIZED.items())
def test_unauthorized(app: App, case: str, word: str) -> None:
    """Every defect of a bearer token has its recorded text and challenge."""
    authorization = spoil(app, case)
    headers = {} if authorization is None else {"Authorization": authorization}

    answer = app.probe.get("/v1.0/users", **headers)

    row = GRAPH_REFUSALS[word]
    assert (answer.status, answer.code, answer.message) == (401, row.code, row.message)
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="", '
        'authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000"'
    )
    if row.gateway:
        assert {"cache-control", "x-ms-resource-unit"}.isdisjoint(answer.headers)


def test_error_shape(get: Ask) -> None:
    """An error has the recorded envelope, its date without zone, and plain JSON's type."""
    missing = "11111111-1111-4111-8111-111111111111"
    answer = get(f"/users/{missing}", client_request_id="mine")
    error = answer.json()["error"]

    assert answer.status == 404
    assert list(error) == ["code", "message", "innerError"]
    assert list(error["innerError"]) == ["date", "request-id", "client-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", error["innerError"]["date"])
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    assert error["innerError"]["client-request-id"] == "mine"
    assert error["message"] == (
        f"Resource '{missing}' does not exist or one of its queried reference-property objects "
        "are not present."
    )
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-ms-resource-unit"] == "1"
    assert "odata-version" not in answer.headers


REFUSED = {
    "/me": "me_without_user",
    "/nothing": "segment_unknown",
    "/users/x@y.example/nothing": "segment_unknown",
    "/users/x": "id_malformed",
    "/users/x@y.example": "object_missing",
    "/users/$count": "count_refused",
    "/users?$top=0": "page_size",
    "/users?$top=1000": "page_size",
    "/users?$top=99999999999999999999": "page_size",
    "/users?$top=-1": "option_malformed",
    "/users?$top=x": "option_malformed",
    "/users?$top=": "option_malformed",
    "/users?$top=%C2%B2": "option_malformed",
    "/users?$count=maybe": "count_malformed",
    "/users?$top=1&%24top=2": "option_repeated",
    "/users?$unknown=1": "option_unknown",
    "/users?$skip=5": "skip_refused",
    "/users?$expand=manager,memberOf": "expand_many",
    "/users?$expand=manager($levels=2)": "expand_levels",
    "/users?$format=atom": "format_refused",
    "/users?$select=nothing": "select_unknown",
    "/users?$select=id,a%20b": "select_malformed",
    "/users?$select=skills": "not_on_collection",
    "/users?$select=signInActivity": "premium_only",
    "/users?$skiptoken=x": "page_token_invalid",
    "/users?$skiptoken=%C3%A4": "page_token_invalid",
    "/users?$search=%22mail:x%22": "search_refused",
    "/users?$orderby=mail": "sort_property_refused",
    "/users?$orderby=nothing": "orderby_malformed",
    "/users?$orderby=": "orderby_malformed",
    "/users?$orderby=displayName%20up": "orderby_malformed",
    "/users?$orderby=displayName&$filter=mail%20eq%20'x'": "sort_refused",
    "/users?$filter=mail%20eq": "filter_malformed",
}


@pytest.mark.parametrize(("target", "word"), REFUSED.items())
def test_refused(get: Ask, target: str, word: str) -> None:
    """Every question that Graph does not answer is refused with its code and text."""
    answer = get(target)

    row = GRAPH_REFUSALS[word]
    assert (answer.status, answer.code) == (row.status, row.code)
    pattern = ".*".join(map(re.escape, re.split(r"\{\w+\}", row.message)))
    assert re.fullmatch(pattern, answer.message, re.DOTALL)


# Reached by other tests here, in test_filter, in test_writes_bodies and in test_cae.
ELSEWHERE = set(
    "body_malformed body_too_large clause_invalid clause_operator_refused complex_refused "
    "expand_advanced expand_option expand_scalar filter_too_high grant_filter_refused "
    "lambda_refused levels_malformed not_emulated property_unsupported reference_refused "
    "sort_refused "
    "forbidden header_missing host_unknown id_equality_only internal "
    "method_wrong operator_refused or_too_long page_token_expired property_not_indexed "
    "property_refused query_refused search_malformed token_revoked version_unknown".split()
)


def test_every_refusal_is_tested() -> None:
    """No refusal of Graph's is without a test that reaches it."""
    assert {*UNAUTHORIZED.values(), *REFUSED.values()} | ELSEWHERE == list_reached(
        "graph/test_dispatch"
    )


def test_failure(launch: Callable[..., Probe], caplog: pytest.LogCaptureFixture) -> None:
    """A bug of the emulator's own is a 500 in Graph's form, and in the log."""
    probe = launch(users=1)
    token = register(probe, "User.Read.All").token()
    probe.emulator.directory.close()

    answer = probe.get("/v1.0/users", Authorization=f"Bearer {token}")

    assert (answer.status, answer.code) == (500, "Service_InternalServerError")
    probe.emulator.stop()
    assert "the store is closed" in caplog.text


def test_texts(get: Ask) -> None:
    """Refusals quoted from the real service read word for word."""
    texts = {
        "/users?$top=1000": "Invalid page size specified: '1000'. Must be between 1 and 999 "
        "inclusive.",
        "/users?$skip=5": "'$skip' is not supported by the service.",
        "/nothing": "Resource not found for the segment 'nothing'.",
        "/users/x": "Invalid object identifier 'x'.",
    }

    assert {target: get(target).message for target in texts} == texts


def test_unknown_version(app: App, token: str) -> None:
    """A path that begins with no version is refused in the captured form."""
    answer = app.get("/roleManagement/directory", token)

    assert (answer.status, answer.code) == (404, "ResourceNotFound")
    assert answer.message == "Invalid version: roleManagement"


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS"])
def test_wrong_method(app: App, method: str) -> None:
    """Other verbs are refused with Graph's own words."""
    answer = app.probe.send(method, "/v1.0/organization")

    assert answer.status == 405
    if method != "HEAD":
        assert answer.message == "Specified HTTP method is not allowed for the request target."


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1.evil.example", "[::2]:1"])
def test_foreign_host(app: App, host: str) -> None:
    """A Host header that is not ours is refused, whatever it asks for."""
    for path in ("/v1.0/users", app.token_path):
        answer = app.probe.get(path, Host=host)

        assert (answer.status, answer.code) == (421, "BadRequest")


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("User.Read.All", 200),
        ("User.ReadWrite.All", 200),
        ("Directory.Read.All", 200),
        ("Directory.ReadWrite.All", 200),
        ("User.ReadBasic.All", 200),
        ("Group.Read.All", 403),
        (None, 403),
    ],
)
def test_roles(probe: Probe, role: str | None, status: int) -> None:
    """Users are shown to who holds one of the documented application permissions."""
    app = register(probe, *([role] if role else []))

    answers = [app.get(path) for path in ("/v1.0/users?$top=1", f"/v1.0/users/{USERS[0]['id']}")]

    assert [answer.status for answer in answers] == [status, status]
    if status == 403:
        assert answers[0].message == "Insufficient privileges to complete the operation."
        assert answers[0].headers["x-ms-resource-unit"] == "1"
        assert "www-authenticate" not in answers[0].headers


def test_basic_properties(probe: Probe) -> None:
    """User.ReadBasic.All shows basic properties; the others read as null."""
    app = register(probe, "User.ReadBasic.All")

    user = app.get("/v1.0/users?$top=1&$select=id,mail,department,businessPhones").json()["value"]

    expected = {"department": None, "businessPhones": None}
    assert user == [{"id": USERS[0]["id"], "mail": USERS[0]["mail"]} | expected]


def test_consent_reaches_new_tokens_only(probe: Probe) -> None:
    """A token is refused after consent as before; a new one is not; revoking works alike."""
    app, directory = register(probe), probe.emulator.directory
    old = app.token()
    directory.applications.add_application_permission(app.tenant, app.client_id, "User.Read.All")
    before = app.get("/v1.0/users?$top=1", app.token()).status
    granted = [directory.consents.grant_admin_consent(app.tenant, app.client_id) for _ in range(2)]

    new = app.token()
    statuses = [app.get("/v1.0/users?$top=1", token).status for token in (old, new)]
    directory.consents.revoke(app.tenant, app.client_id)
    after = [app.get("/v1.0/users?$top=1", token).status for token in (new, app.token())]

    assert granted == [["User.Read.All"], ["User.Read.All"]]
    assert (before, statuses, after) == (403, [403, 200], [200, 403])


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
    clock = Clock()
    probe = launch(clock=clock, page_token_age=600, users=10)
    app = register(probe, "User.Read.All")
    token = app.token()
    link = app.get("/v1.0/users?$top=5", token).json()["@odata.nextLink"]

    clock.move(599)
    in_time = app.get(link, token).status
    clock.move(2)
    late = app.get(link, token)

    assert (in_time, late.status, late.code) == (200, 400, "Directory_ExpiredPageToken")


def test_token_expires(launch: Callable[..., Probe]) -> None:
    """An access token is refused from the second on that its `exp` names."""
    clock = Clock()
    probe = launch(clock=clock, token_lifetime=60, users=1)
    app = register(probe, "User.Read.All")
    token = app.token()

    statuses = []
    for seconds in (58, 3):
        clock.move(seconds)
        statuses.append(app.get("/v1.0/users", token).status)

    assert statuses == [200, 401]
