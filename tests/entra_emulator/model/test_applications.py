from entra_emulator.model import applications as registration
from entra_emulator.model import schema
from entra_emulator.model.applications import assignment_id


def test_assignment_id() -> None:
    """An assignment's ID has 43 characters, the first 21 fixed by the principal."""
    principal, resource = "11111111-1111-4111-8111-111111111111", "2" * 32
    ids = [assignment_id(principal, resource, role) for role in ("a", "b")]

    assert [len(i) for i in ids] == [43, 43]
    assert ids[0][:21] == ids[1][:21]
    assert ids[0] != ids[1]


def test_registered() -> None:
    """What the portal drafts has the properties of the default set."""
    when = "2024-01-01T00:00:00Z"
    application = registration.draft_application(
        "1", "2", "A", created=when, domain="x", audience="AzureADMyOrg", redirect_uris=()
    )
    principal = registration.draft_principal(
        "1", "2", "A", created=when, owner="3", audience="AzureADMyOrg"
    )

    assert set(application) == set(schema.default("application"))
    assert set(principal) == set(schema.default("servicePrincipal"))
