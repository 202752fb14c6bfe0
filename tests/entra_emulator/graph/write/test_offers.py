from tests.support.graph_applications import install, make, role, scope
from tests.support.graph_writer import Writer
from tests.support.user_flows import Client


def test_audiences(writer: Writer) -> None:
    """Applications for personal accounts get tokens of version 2, and no others, as recorded."""
    audience = "AzureADandPersonalMicrosoftAccount"

    assert make(writer, signInAudience=audience)["api"]["requestedAccessTokenVersion"] == 2
    refused = writer.post(
        "/applications",
        {
            "displayName": "x",
            "signInAudience": audience,
            "api": {"requestedAccessTokenVersion": 1},
        },
    )
    assert refused.json()["error"]["details"][0]["target"] == "api.requestedAccessTokenVersion"
    assert writer.post("/applications", {"displayName": "x", "signInAudience": "All"}).status == 400


def test_identifiers(writer: Writer) -> None:
    """An identifier URI is one application's, until that is gone for ever."""
    uri = f"https://{writer.domain}/orders"
    first, second = make(writer, identifierUris=[uri]), make(writer)
    path = f"/applications/{second['id']}"
    taken = writer.patch(path, {"identifierUris": [uri]})

    message = "Another object with the same value for property identifierUris already exists."
    assert (taken.status, taken.message) == (400, message)
    assert writer.delete(f"/applications/{first['id']}").status == 204
    assert writer.patch(path, {"identifierUris": [uri]}).message == message
    directory, tenant = writer.app.probe.emulator.directory, writer.app.tenant
    deleted = directory.recycle_bin.find(tenant, first["id"])
    assert deleted is not None
    directory.recycle_bin.purge(tenant, deleted)
    assert writer.patch(path, {"identifierUris": [uri]}).status == 204


def test_redirects_follow(writer: Writer) -> None:
    """A redirect address is good from the moment that it is written."""
    made = make(writer, isFallbackPublicClient=True)
    install(writer, made["appId"])
    client = Client(writer.app.probe, writer.app.tenant, made["appId"], "http://localhost/x")
    assert b"AADSTS50011" in writer.app.probe.get(client.link(), Accept="text/html").body
    writer.patch(
        f"/applications/{made['id']}", {"publicClient": {"redirectUris": ["http://localhost/x"]}}
    )

    assert b"AADSTS50011" not in writer.app.probe.get(client.link(), Accept="text/html").body


def test_disable_before_removal(writer: Writer) -> None:
    """An enabled role or scope cannot be removed; a disabled one can."""
    roles, scopes = [role("R")], [scope("S", isEnabled=True, type="Admin")]
    made = make(writer, appRoles=roles, api={"oauth2PermissionScopes": scopes})
    path = f"/applications/{made['id']}"
    for gone, disabled in (
        ({"appRoles": []}, {"appRoles": [roles[0] | {"isEnabled": False}]}),
        (
            {"api": {"oauth2PermissionScopes": []}},
            {"api": {"oauth2PermissionScopes": [scopes[0] | {"isEnabled": False}]}},
        ),
    ):
        refused = writer.patch(path, gone)
        assert (refused.status, refused.code, refused.message) == (
            400,
            "CannotDeleteOrUpdateEnabledEntitlement",
            "Permission (scope or role) cannot be deleted or updated unless disabled first.",
        )
        assert writer.patch(path, disabled).status == 204
        assert writer.patch(path, gone).status == 204
