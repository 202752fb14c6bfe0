import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from entra_emulator.clock import Clock
from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.server.app import LONGEST_ADDRESS
from tests.support.certificates_and_assertions import make_key
from tests.support.emulator_probe import App, Probe, register
from tests.support.graph_users import USERS, Ask
from tools.fidelity import list_reached


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


def test_beta(app: App, token: str) -> None:
    """The beta version answers alike, and says so in its context."""
    page = app.get("/BETA/users?$top=1", token).json()

    assert page["@odata.context"] == f"{app.probe.emulator.url}/beta/$metadata#users"


def test_beta_shows_the_default_properties_of_the_other_version(app: App, token: str) -> None:
    """Without `$select` the real beta shows every property of a user."""
    shown = [app.get(f"/{v}/users?$top=1", token).json()["value"][0] for v in ("beta", "v1.0")]

    assert shown[0].keys() == shown[1].keys()


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
        "early": lambda: "Bearer " + sign_token(app, nbf=now + 86_400),
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
    "/users/x/messages": "path_unserved",
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
    "/users?$skiptoken=x": "page_token_invalid",
    "/users?$skiptoken=%C3%A4": "page_token_invalid",
    "/users?$search=%22mail:x%22": "search_refused",
    "/users?$orderby=mail": "sort_property_refused",
    "/users?$orderby=nothing": "orderby_malformed",
    "/users?$orderby=": "orderby_malformed",
    "/users?$orderby=displayName%20up": "orderby_malformed",
    "/users?$orderby=displayName&$filter=mail%20eq%20'x'": "sort_refused",
    "/users?$filter=mail%20eq": "filter_malformed",
    "/users?$filter=" + "x" * LONGEST_ADDRESS: "address_too_long",
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
    "method_wrong operator_refused or_too_long page_size_fixed page_token_expired "
    "property_not_indexed "
    "property_refused query_refused query_too_long search_malformed "
    "token_revoked version_unknown".split()
)


def test_every_refusal_is_tested() -> None:
    """No refusal of Graph's is without a test that reaches it."""
    assert {*UNAUTHORIZED.values(), *REFUSED.values()} | ELSEWHERE == list_reached(
        "graph/test_dispatch"
    )


def test_failure(
    launch: Callable[..., Probe], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A bug of the emulator's own is a 500 in Graph's form, and in the log."""
    probe = launch(tmp_path / "data", users=1)
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


def test_token_expires(launch: Callable[..., Probe]) -> None:
    """An access token is refused from the second on that its `exp` names."""
    clock = Clock(at=1_800_000_000)
    probe = launch(clock=clock, token_lifetime=60, users=1)
    app = register(probe, "User.Read.All")
    token = app.token()

    statuses = []
    for seconds in (58, 3):
        clock.move(seconds)
        statuses.append(app.get("/v1.0/users", token).status)

    assert statuses == [200, 401]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize(
    "path", ["/users/x/messages", "/users/x/nothing", "/nothing", "/drives/x/root/children?$top=1"]
)
def test_a_bad_token_is_refused_before_the_path_is_looked_at(
    app: App, token: str, method: str, path: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = app.probe.send(method, f"/v1.0{path}", headers=headers)
        assert (answer.status, answer.code) == (401, "InvalidAuthenticationToken")
    named = {"Authorization": f"Bearer {token}"}
    assert app.probe.send(method, f"/v1.0{path}", headers=named, body=b"").status != 401
