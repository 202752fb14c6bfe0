from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.support.emulator_probe import register
from tests.support.portal_exposure import SCOPE, Exposure
from tests.support.scripted_browser import Browser
from tests.support.user_flows import ordinary, read, sign_in, web_client


def test_uri(expose: Callable[..., Exposure]) -> None:
    """The URI is set, changed and removed; tokens can be asked for by it."""
    api = expose()
    name = f"api://{api.app.tenant.id}/orders-{uuid4()}"
    assert api.set_uri(name).ids["app-id-uri"] == name
    assert api.app.token(scope=f"{name}/.default")
    changed = f"https://{uuid4()}.{api.app.tenant.domains[0]}/orders"
    assert api.set_uri(changed).ids["app-id-uri"] == changed
    assert api.record["identifierUris"] == [changed]
    api.visitor.press("Remove")

    assert api.record["identifierUris"] == []
    assert "Not set" in api.visitor.page.text


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "Enter a value."),
        ("orders", "not an Application ID URI"),
        ("api://orders with blanks", "not an Application ID URI"),
        ("api://orders/", "not an Application ID URI"),
        ("https://evil.example/orders", "not on a verified domain of Contoso"),
        (
            "api://orders",
            "tenant's policy requires the tenant ID, the client ID or a verified domain",
        ),
        (
            "api://occupied.contoso.example",
            "Another application has the URI api://occupied.contoso.example",
        ),
    ],
)
def test_uri_refused(expose: Callable[..., Exposure], uri: str, words: str) -> None:
    """Why a URI cannot be is said beside the field, which keeps it."""
    if "occupied" in uri:
        other = expose()
        if api_holder(other, uri) is None:
            other.set_uri(uri)
    api = expose()
    page = api.set_uri(uri)

    assert api.visitor.status == 400
    assert words in page.ids["uri-error"]
    assert dict(page.form("Save").fields)["uri"] == uri
    assert api.record["identifierUris"] == []


def api_holder(api: Exposure, uri: str) -> str | None:
    return api.app.probe.emulator.directory.applications.find_identifier_holder(api.app.tenant, uri)


def test_authorized_clients(expose: Callable[..., Exposure]) -> None:
    """A client is authorized for scopes, changed, forgotten; a deleted scope takes its trust."""
    api, client = expose(), register(expose().app.probe, name="Orders desk").client_id
    api.set_uri()
    api.add_scope()
    api.add_scope(value="Orders.Write")
    first, second = (scope["id"] for scope in api.scopes)
    api.visitor.open(api.visitor.open(api.url).links["Add a client application"])
    page = api.visitor.press("Add application", client=client.upper(), ticked=[("scopes", first)])
    assert "Orders desk" in page.text
    trusted = api.record["api"]["preAuthorizedApplications"]
    assert trusted == [{"appId": client, "delegatedPermissionIds": [first]}]

    api.visitor.open(f"{api.url}/clients/{client}")
    api.visitor.press("Save", ticked=[("scopes", second)])
    api.visitor.open(f"{api.url}/scopes/{second}")
    api.visitor.press("Save", state="disabled")
    api.post(f"scopes/{second}/delete")
    trusted = api.record["api"]["preAuthorizedApplications"]
    assert trusted == [{"appId": client, "delegatedPermissionIds": [first]}]

    api.visitor.open(f"{api.url}/clients/{client}")
    api.visitor.press("Remove")
    assert api.record["api"]["preAuthorizedApplications"] == []


def test_authorized_client_is_trusted(expose: Callable[..., Exposure]) -> None:
    """Users are not asked to consent to a client that the API authorizes, even to Admins only."""
    api = expose()
    probe = api.app.probe
    api.set_uri()
    api.add_scope(type="Admin")
    client = web_client(probe)
    scope = f"api://{api.app.client_id}/Orders.Read"
    asked = Browser(probe)
    asked.open(client.link(scope=scope))
    assert sign_in(asked, ordinary(probe.emulator)) is None
    assert "AADSTS90094" in asked.page.text

    api.visitor.open(f"{api.url}/clients/add")
    ticked = [("scopes", str(api.scopes[0]["id"]))]
    api.visitor.press("Add application", client=client.client_id, ticked=ticked)
    answer = client.tokens(ordinary(probe.emulator), scope)
    assert read(answer["access_token"])["scp"] == "Orders.Read"


@pytest.mark.parametrize(
    ("client", "ticked", "words"),
    [
        ("orders", True, "Enter a client ID"),
        ("", True, "Enter a client ID"),
        ("00001111-aaaa-2222-bbbb-3333cccc4444", False, "Select at least one scope."),
        ("taken", True, "authorized already"),
    ],
)
def test_client_refused(
    expose: Callable[..., Exposure], client: str, words: str, *, ticked: bool
) -> None:
    """A client that cannot be authorized is refused with its reason, and what was typed kept."""
    api = expose()
    api.set_uri()
    api.add_scope()
    scopes = [("scopes", str(api.scopes[0]["id"]))]
    if client == "taken":
        client = str(uuid4())
        api.visitor.open(f"{api.url}/clients/add")
        api.visitor.press("Add application", client=client, ticked=scopes)
    api.visitor.open(f"{api.url}/clients/add")
    page = api.visitor.press("Add application", client=client, ticked=scopes if ticked else [])

    assert api.visitor.status == 400
    assert words in page.text
    fields = page.form("Add application").fields
    assert dict(fields)["client"] == client
    assert (scopes[0] in fields) is ticked


def test_ordinary_user(expose: Callable[..., Exposure]) -> None:
    """Somebody who neither owns the application nor administers it changes nothing of it."""
    api = expose(None)
    page = api.visitor.open(api.url)
    assert "Add a scope" not in page.links
    for part, fields in (
        ("uri", {"uri": "api://mine"}),
        ("scopes/add", SCOPE),
        ("uri/remove", {}),
    ):
        api.post(part, **fields)
        assert api.visitor.status == 403
        assert "You don't have access" in api.visitor.page.text

    assert (api.record["identifierUris"], api.scopes) == ([], [])


def test_missing(expose: Callable[..., Exposure]) -> None:
    """Scopes and clients that are not there are 404."""
    api = expose()
    for part in (f"scopes/{uuid4()}", f"scopes/{uuid4()}/delete", f"clients/{uuid4()}"):
        api.visitor.open(f"{api.url}/{part}")
        assert api.visitor.status == 404
    api.visitor.open(api.url.replace(api.app.client_id, str(uuid4())))
    assert api.visitor.status == 404


def test_stored_script(expose: Callable[..., Exposure]) -> None:
    """Texts of a scope that hold HTML stay text, typed again or listed."""
    api = expose(name="<b>Orders</b>")
    api.set_uri()
    script = "<script>alert(1)</script>"
    page = api.add_scope(adminConsentDisplayName=script, value="a b")
    assert (api.visitor.status, script in page.source) == (400, False)
    page = api.add_scope(adminConsentDisplayName=script, adminConsentDescription='"><b>')

    assert script in page.text
    assert script not in page.source
    assert "<b>" not in api.visitor.open(f"{api.url}/scopes/{api.scopes[0]['id']}").source


def test_cross_site_post(expose: Callable[..., Exposure]) -> None:
    """Another site's form exposes nothing."""
    api = expose()
    token = dict(api.visitor.open(api.url).forms[0].fields)["token"]
    form = {"token": token, "uri": "api://evil"}
    api.visitor.post(f"{api.url}/uri", form, Origin="https://evil.example")

    assert api.visitor.status == 403
    assert api.record["identifierUris"] == []
