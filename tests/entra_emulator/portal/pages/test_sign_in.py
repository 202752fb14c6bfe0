from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from tests.support.emulator_probe import Probe
from tests.support.portal_visitor import (
    Visitor,
)
from tests.support.user_flows import ordinary

EMULATOR = "This is an emulator on your own machine, not Microsoft."


def test_sign_in(visitor: Visitor) -> None:
    """Who signs in comes to the page that was asked for, or to the tenant's first one."""
    tenant = visitor.probe.emulator.tenant
    page = visitor.open(f"/portal/{tenant.id}/applications?q=Fleet")
    assert page.headings[0] == (1, "Sign in")
    assert EMULATOR in page.text
    visitor.press("Global Administrator")
    assert visitor.page.headings[0] == (1, "App registrations")
    assert dict(visitor.page.forms[1].fields)["q"] == "Fleet"

    visitor.open("/portal")
    assert visitor.page.headings[0] == (1, tenant.display_name)
    assert visitor.page.ids["tenant-id"] == tenant.id


def test_people(visitor: Visitor) -> None:
    """Administrators stand first with their roles; others are found by name or address."""
    upn = ordinary(visitor.probe.emulator, 3)
    page = visitor.open("/portal/signin")
    labels = [words for _, _, words in page.forms[1].buttons]
    assert "Global Administrator" in labels[0]
    assert "of 250 people shown." in page.text
    page = visitor.press("Search", q=upn.upper())
    assert [upn in words for _, _, words in page.forms[1].buttons] == [True]
    page = visitor.press("Search", q="nobody at all")
    assert "Nobody is called that." in page.text


def test_sign_out(admin: Visitor) -> None:
    """Who signs out is nobody, and the old cookie is worth nothing."""
    held = dict(admin.cookies)
    admin.press("Sign out")
    assert admin.page.headings[0] == (1, "Sign in")
    admin.cookies = held
    admin.open(f"/portal/{admin.probe.emulator.tenant.id}")
    assert admin.page.headings[0] == (1, "Sign in")


@pytest.mark.parametrize(
    "after", ["https://evil.example/", "//evil.example", "/portal@evil", "/v1.0/users", "/portalx"]
)
def test_no_open_redirect(visitor: Visitor, after: str) -> None:
    """Signing in and choosing a language lead to the portal's own pages only."""
    visitor.open(f"/portal/language?{urlencode({'to': 'en', 'next': after})}")
    assert visitor.url == "/portal/signin"
    visitor.open(f"/portal/signin?{urlencode({'next': after})}")
    visitor.press("Global Administrator")
    assert visitor.url == f"/portal/{visitor.probe.emulator.tenant.id}"


def test_disabled(launch: Callable[..., Probe]) -> None:
    """A disabled account cannot sign in, and is told why."""
    probe = launch(users=20)
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    upn = ordinary(probe.emulator)
    user = directory.users.find(tenant, upn)
    assert user is not None
    directory.objects.update(tenant, "user", user["id"], {"accountEnabled": False})
    visitor = Visitor(probe)
    visitor.open(f"/portal/signin?q={upn}")
    visitor.press(upn)

    assert (visitor.status, "cannot sign in" in visitor.page.text) == (403, True)
