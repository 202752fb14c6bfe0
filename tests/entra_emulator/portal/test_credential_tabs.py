from __future__ import annotations

from collections.abc import Callable

from entra_emulator.clock import Clock
from tests.support.emulator_probe import Probe
from tests.support.portal_visitor import (
    Visitor,
    at_credentials,
)


def test_states(launch: Callable[..., Probe]) -> None:
    """What has expired, or will within 30 days, is marked so."""
    clock = Clock()
    visitor = Visitor(launch(users=5, clock=clock))
    visitor.sign_in()
    with at_credentials(visitor, "Ageing"):
        visitor.open(visitor.page.links["New client secret"])
        visitor.press("Add", expires="90")
        assert "Expir" not in visitor.page.ids["secrets"].replace("Expires", "")
        for days, word in ((61, "Expiring soon"), (30, "Expired")):
            clock.move(days * 86_400)
            visitor.sign_in()
            visitor.open("/portal/tenants")
            home = f"/portal/{visitor.probe.emulator.tenant.id}/applications"
            page = visitor.open(f"{home}?q=Ageing")
            assert word in page.text
            page = visitor.open(page.links["Ageing"] + "/credentials")
            assert word in page.ids["secrets"]


def test_gone(admin: Visitor) -> None:
    """A credential that is not there any more is a page that says so."""
    with at_credentials(admin, "Gone"):
        for kind in ("secrets", "certificates", "federated"):
            admin.open(f"{admin.url.partition('/credentials')[0]}/credentials/{kind}/x/delete")
            assert (admin.status, "There is no such credential" in admin.page.text) == (404, True)
