from __future__ import annotations

from collections.abc import Callable

from tests.support.emulator_probe import Probe
from tests.support.portal_visitor import (
    Visitor,
)


def test_switch_tenant(launch: Callable[..., Probe]) -> None:
    """Another tenant is entered as one of its own people."""
    probe = launch(users=10)
    directory = probe.emulator.directory
    other = directory.tenants.create("Fabrikam", ["fabrikam.example"])
    directory.objects.fill(
        other,
        "user",
        [
            {
                "id": "6a1c4f2e-0000-4000-8000-000000000001",
                "displayName": "Ada",
                "userPrincipalName": "ada@fabrikam.example",
                "accountEnabled": True,
                "userType": "Member",
            }
        ],
    )
    visitor = Visitor(probe)
    visitor.sign_in()
    page = visitor.open("/portal/tenants")
    assert "Current directory" in page.text
    page = visitor.open(page.links["Switch Fabrikam"])
    assert ["ada@" in words for _, _, words in page.forms[-1].buttons] == [True]
    page = visitor.press("ada@fabrikam.example")
    assert page.ids["tenant-id"] == other.id
    page = visitor.open(f"/portal/{probe.emulator.tenant.id}/applications")
    assert page.headings[0] == (1, "Sign in")
