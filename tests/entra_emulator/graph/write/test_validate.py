"""Bodies that nobody should send: refused in Graph's own form, and never an error of ours."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entra_emulator.model import schema
from tests.support.emulator_probe import Answer
from tests.support.graph_writer import NOBODY, Writer

KINDS = {
    "administrativeUnit": "/administrativeUnits",
    "application": "/applications",
    "domain": "/domains",
    "group": "/groups",
    "oAuth2PermissionGrant": "/oauth2PermissionGrants",
    "servicePrincipal": "/servicePrincipals",
    "user": "/users",
}


DEEP = b"[" * 200 + b"]" * 200


@pytest.fixture(scope="module")
def paths(writer: Writer) -> list[tuple[str, str]]:
    """Every kind of request that writes, about objects that are there."""
    user, group = writer.make_user()["id"], writer.make_group()["id"]
    application = writer.make("/applications", {"displayName": "x"})
    principal = writer.make("/servicePrincipals", {"appId": application["appId"]})["id"]
    unit = writer.make("/administrativeUnits", {"displayName": "x"})["id"]
    app = f"/applications/{application['id']}"
    return [
        *(("POST", path) for path in KINDS.values()),
        ("POST", "/directoryRoles"),
        ("PATCH", f"/users/{user}"),
        ("PATCH", f"/groups/{group}"),
        ("PATCH", app),
        ("PATCH", f"/servicePrincipals/{principal}"),
        ("PATCH", f"/administrativeUnits/{unit}"),
        ("PATCH", "/applications(uniqueName='x')"),
        ("POST", f"/groups/{group}/members/$ref"),
        ("PUT", f"/users/{user}/manager/$ref"),
        ("POST", f"{app}/addPassword"),
        ("POST", f"{app}/removePassword"),
        ("POST", f"{app}/addKey"),
        ("POST", f"{app}/removeKey"),
        ("POST", f"{app}/federatedIdentityCredentials"),
        ("POST", f"/servicePrincipals/{principal}/appRoleAssignedTo"),
        ("POST", f"/users/{user}/appRoleAssignments"),
    ]


def check(answer: Answer) -> None:
    """Not an error of ours; a refusal has Graph's form."""
    assert answer.status < 500 or answer.status == 501, answer.body
    if answer.status >= 400:
        error = answer.json()["error"]
        assert isinstance(error["code"], str)
        assert isinstance(error["message"], str)
        assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"true",
        b"[{}]",
        b"{",
        b"\xff\xfe",
        b'{"displayName": "\\ud800"}',
        b'{"displayName": 1e999}',
        DEEP,
        b"[" * 100_000,
        b'{"displayName":' * 500 + b"1" + b"}" * 500,
    ],
    ids=range(13),
)
def test_no_object(writer: Writer, paths: list[tuple[str, str]], body: bytes) -> None:
    """What is no JSON object is refused with 400 on every route that takes one."""
    for method, path in paths:
        answer = writer.send(method, path, body)
        check(answer)
        # An action without parameters is as good as one with null; what is missing is refused so.
        if body != b"null" or not path.endswith(("Password", "Key")):
            assert answer.status == 400 or "uniqueName" in path, (method, path, answer.body)


def test_empty(writer: Writer) -> None:
    """Nothing at all is refused as the gateway does."""
    for method, path in (("POST", "/users"), ("PATCH", f"/users/{writer.make_user()['id']}")):
        answer = writer.send(method, path)
        assert (answer.status, answer.code) == (400, "BadRequest")
        assert answer.message == "Empty Payload. JSON content expected."


def test_too_large(writer: Writer) -> None:
    """What is larger than four megabytes is not taken, whatever it is."""
    body = json.dumps(writer.user(city="x" * 4 * 1024 * 1024)).encode()
    answer = writer.post("/users", body)

    assert (answer.status, answer.code) == (413, "BadRequest")


SMALL = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        [NOBODY, "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
    )
    | st.just(2**70)
)


VALUES = (
    st.recursive(
        SMALL,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=5,
    )
    | st.just("x" * 40_000)
    | SMALL.map(lambda one: [one] * 1300)
)


def fill(kind: str, draw: Any, depth: int = 0) -> dict[str, Any]:
    """An object with some declared properties, of whatever values."""
    declared = schema.declared(kind)
    if not declared:
        return {"anything": draw(VALUES)}
    names = draw(st.lists(st.sampled_from(sorted(declared)), max_size=4, unique=True))
    values: dict[str, Any] = {}
    for name in names:
        inner = declared[name].removeprefix("Collection(").removesuffix(")")
        part = inner.removeprefix("microsoft.graph.")
        if part != inner and schema.knows(part) and depth < 2 and draw(st.booleans()):
            value: Any = fill(part, draw, depth + 1)
            values[name] = [value] if declared[name].startswith("Collection") else value
        else:
            values[name] = draw(VALUES)
    return values


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_values(writer: Writer, paths: list[tuple[str, str]], data: st.DataObject) -> None:
    """Whatever values stand in declared properties, the answer is a success or a refusal."""
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    base = {
        "application": {"displayName": "x"},
        "group": writer.group(),
        "user": writer.user(),
        "administrativeUnit": {"displayName": "x"},
    }.get(kind, {})
    body = {**base, **fill(kind, data.draw)}
    check(writer.post(KINDS[kind], body))
    for method, path in paths:
        if method == "PATCH" and KINDS[kind] in path:
            check(writer.patch(path, fill(kind, data.draw)))


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_parameters(writer: Writer, paths: list[tuple[str, str]], data: st.DataObject) -> None:
    """Whatever is sent to actions and references, the answer is a success or a refusal."""
    names = (
        "keyCredential passwordCredential proof keyId @odata.id principalId resourceId appRoleId "
        "members@odata.bind owners@odata.bind manager@odata.bind name issuer subject audiences"
    ).split()
    nested = st.sampled_from(["keyCredential", "passwordCredential"]).map(
        lambda kind: fill(kind, data.draw)
    )
    body = data.draw(st.dictionaries(st.sampled_from(names), VALUES | nested, max_size=4))
    for method, path in paths:
        check(writer.send(method, path, json.dumps(body).encode()))


def test_many_entries(writer: Writer) -> None:
    """Ten thousand entries are refused, in lists, in references, in objects."""
    group = f"/groups/{writer.make_group()['id']}"
    application = f"/applications/{writer.make('/applications', {'displayName': 'x'})['id']}"
    roles = [{"id": f"{n:08}-0000-4000-8000-000000000000", "displayName": "x"} for n in range(9999)]
    urls = [f"https://graph.microsoft.com/v1.0/users/{NOBODY}"] * 10_000
    for answer in (
        writer.patch(group, {"members@odata.bind": urls}),
        writer.patch(application, {"tags": [str(n) for n in range(10_000)]}),
        writer.patch(
            application,
            {"appRoles": [one | {"allowedMemberTypes": ["User"]} for one in roles]},
        ),
        writer.patch(application, {f"x{n}": n for n in range(10_000)}),
    ):
        assert answer.status == 400
        check(answer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/users/{user}/changePassword", 400),
        ("POST", "/domains/{domain}/verify", 501),
        ("PATCH", "/domains/{domain}", 501),
        ("PUT", "/applications/{application}/logo", 501),
        ("POST", "/administrativeUnits/{unit}/members", 501),
        ("PATCH", "/groups(uniqueName='new')", 404),
    ],
)
def test_missing(writer: Writer, method: str, path: str, status: int) -> None:
    """What cannot be written says so, or is refused as the real service refuses it."""
    made = {
        "user": writer.make_user()["id"],
        "application": writer.make("/applications", {"displayName": "x"})["id"],
        "unit": writer.make("/administrativeUnits", {"displayName": "x"})["id"],
        "domain": writer.domain,
    }
    answer = writer.send(method, path.format(**made), {}, Prefer="create-if-missing")

    assert answer.status == status


@pytest.mark.parametrize(
    ("path", "body"),
    [("users", {"aboutMe": "x"}), ("groups", {"hideFromAddressLists": True})],
)
def test_elsewhere(writer: Writer, path: str, body: dict[str, Any]) -> None:
    """What mailboxes and profiles hold is not written, and the answer says so."""
    made = writer.make_user() if path == "users" else writer.make_group()
    answer = writer.patch(f"/{path}/{made['id']}", body)

    assert (answer.status, answer.code) == (501, "NotImplemented")
    assert next(iter(body)) in answer.message
