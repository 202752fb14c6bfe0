from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.portal_exposure import SCOPE, Exposure


def test_first_scope(expose: Callable[..., Exposure]) -> None:
    """Whoever adds the first scope is first offered `api://` with the client ID as URI."""
    api = expose()
    page = api.visitor.open(api.url)
    api.visitor.open(page.links["Add a scope"])
    assert "need to set an Application ID URI" in api.visitor.page.text
    api.visitor.press("Save and continue")
    assert api.visitor.page.headings[0][1] == "Nightly sync | Add a scope"
    page = api.visitor.fill("Add a scope", SCOPE | {"type": "User"})

    assert api.record["identifierUris"] == [f"api://{api.app.client_id}"]
    assert f"api://{api.app.client_id}/Orders.Read" in page.links
    (scope,) = api.scopes
    assert scope | SCOPE == scope
    assert (scope["type"], scope["isEnabled"], scope["userConsentDisplayName"]) == (
        "User",
        True,
        None,
    )
    principal = api.app.probe.emulator.directory.service_principals.find(
        api.app.tenant, api.app.client_id
    )
    assert principal is not None
    assert principal.record["oauth2PermissionScopes"] == [scope]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"value": ""}, "value", "Enter a value."),
        ({"value": "Orders Read"}, "value", "no spaces"),
        ({"value": ".Read"}, "value", "does not begin with a period"),
        ({"value": "x" * 121}, "value", "longer than allowed"),
        ({"value": "Taken.Read"}, "value", "Another scope or app role"),
        ({"adminConsentDisplayName": ""}, "adminConsentDisplayName", "Enter a value."),
        ({"userConsentDisplayName": "x" * 101}, "userConsentDisplayName", "longer"),
    ],
)
def test_scope_refused(
    expose: Callable[..., Exposure], changes: dict[str, str], field: str, words: str
) -> None:
    """Each mistake is named at its field, and everything that was typed is kept."""
    api = expose()
    api.set_uri()
    api.add_scope(value="Taken.Read")
    page = api.add_scope(userConsentDescription="Kept", **changes)

    assert api.visitor.status == 400
    assert words in page.ids[f"{field}-error"]
    fields = dict(page.form("Add a scope").fields)
    assert fields["userConsentDescription"] == "Kept"
    assert fields[field] == changes[field]
    assert len(api.scopes) == 1


def test_edit_disable_delete(expose: Callable[..., Exposure]) -> None:
    """A scope is changed; it can be deleted once it is disabled, and no sooner."""
    api = expose()
    api.set_uri()
    api.add_scope()
    key = api.scopes[0]["id"]
    page = api.visitor.open(f"{api.url}/scopes/{key}")
    assert "Only a disabled one can be deleted" in page.text or "disable it" in page.ids["why"]
    api.post(f"scopes/{key}/delete")
    assert api.visitor.status == 400
    assert "CannotDeleteOrUpdateEnabledEntitlement" in api.visitor.page.text
    assert len(api.scopes) == 1

    api.visitor.open(f"{api.url}/scopes/{key}")
    page = api.visitor.press("Save", state="disabled", type="Admin", adminConsentDisplayName="All")
    assert "Disabled" in page.text
    assert (api.scopes[0]["id"], api.scopes[0]["type"]) == (key, "Admin")
    assert api.scopes[0]["adminConsentDisplayName"] == "All"
    api.visitor.open(api.visitor.open(f"{api.url}/scopes/{key}").links["Delete"])
    api.visitor.press("Yes, delete")

    assert api.scopes == []
