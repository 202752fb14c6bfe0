"""One property of an object, and its raw value."""

from typing import Any

import pytest

from tests.support.graph_writer import Writer


@pytest.fixture(scope="module")
def application(writer: Writer) -> dict[str, Any]:
    body = {
        "displayName": "Orders",
        "web": {"redirectUris": ["https://orders.example"], "homePageUrl": "https://o.example"},
        "isFallbackPublicClient": False,
        "appRoles": [
            {
                "id": "70dc2de2-9270-407e-86e8-34f8000dcf5b",
                "displayName": "Reader",
                "description": "Reads",
                "value": "Read",
                "isEnabled": True,
                "allowedMemberTypes": ["User"],
            }
        ],
    }
    return writer.make("/applications", body)


@pytest.mark.parametrize("name", ["displayName", "appId", "id", "isFallbackPublicClient"])
def test_a_plain_property_is_the_value_of_an_object(
    writer: Writer, application: dict[str, Any], name: str
) -> None:
    answer = writer.get(f"/applications/{application['id']}/{name}")

    fragment = answer.pop("@odata.context").rpartition("#")[2]
    assert fragment == f"applications('{application['id']}')/{name}"
    assert answer == {"value": application[name]}


@pytest.mark.parametrize("name", ["appRoles", "identifierUris", "passwordCredentials"])
def test_a_collection_is_a_list_be_it_empty(
    writer: Writer, application: dict[str, Any], name: str
) -> None:
    answer = writer.get(f"/applications/{application['id']}/{name}")

    assert answer["value"] == writer.get(f"/applications/{application['id']}")[name]
    assert isinstance(answer["value"], list)


def test_a_complex_property_is_an_object_with_properties_of_its_own(
    writer: Writer, application: dict[str, Any]
) -> None:
    path = f"/applications(appId='{application['appId']}')"
    web = writer.get(f"{path}/web")
    one = writer.get(f"{path}/WEB/redirecturis")

    context = web.pop("@odata.context")
    assert context.endswith(f"#applications('{application['id']}')/web")
    assert web == application["web"]
    assert one["value"] == ["https://orders.example"]
    assert one["@odata.context"].endswith("/web/redirectUris")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("displayName", "Orders"),
        ("web/homePageUrl", "https://o.example"),
        ("isFallbackPublicClient", "false"),
    ],
)
def test_a_raw_value_is_plain_text(
    writer: Writer, application: dict[str, Any], path: str, text: str
) -> None:
    answer = writer.send("GET", f"/applications/{application['id']}/{path}/$value")

    assert (answer.status, answer.body.decode()) == (200, text)
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["web", "appRoles", "web/redirectUris"])
def test_what_is_not_plain_has_no_raw_value(
    writer: Writer, application: dict[str, Any], path: str
) -> None:
    answer = writer.send("GET", f"/applications/{application['id']}/{path}/$value")

    assert answer.status == 400
    assert answer.json()["error"]["message"] == "Resource not found for the segment '$value'."


@pytest.mark.parametrize("path", ["notes", "notes/$value", "web/logoutUrl", "info/logoUrl/$value"])
def test_null_is_no_content(writer: Writer, application: dict[str, Any], path: str) -> None:
    answer = writer.send("GET", f"/applications/{application['id']}/{path}")

    assert (answer.status, answer.body) == (204, b"")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/users/{user}/nothing", 400, "BadRequest"),
        ("/users/{user}/mailboxSettings", 501, "NotImplemented"),
        ("/users/{user}/signInActivity", 501, "NotImplemented"),
        ("/users/{user}/displayName?$filter=x", 501, "NotImplemented"),
        ("/users/{user}/displayName?$nothing=x", 400, "BadRequest"),
        ("/users/70dc2de2-9270-407e-86e8-34f8000dcf5b/mail", 404, "Request_ResourceNotFound"),
    ],
)
def test_other_properties_are_refused(writer: Writer, path: str, status: int, code: str) -> None:
    user = writer.make_user()["id"]

    answer = writer.send("GET", path.format(user=user))

    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_property_is_only_read(writer: Writer, method: str) -> None:
    user = writer.make_user()
    path = f"/users/{user['id']}/displayName"

    # Whether Graph would write it is not known.
    assert writer.send(method, path, {"value": "x"}).status == 501
    assert writer.get(path)["value"] == user["displayName"]


def test_a_property_needs_what_its_object_needs(writer: Writer) -> None:
    user = writer.make_user()["id"]
    nobody, basic = writer.colleague("Group.Read.All"), writer.colleague("User.ReadBasic.All")

    assert nobody.send("GET", f"/users/{user}/displayName").status == 403
    assert basic.send("GET", f"/users/{user}/displayName").status == 200
    assert basic.send("GET", f"/users/{user}/accountEnabled").status == 204
