from __future__ import annotations

import pytest

from entra_emulator.clock import parse_iso
from tests.support.emulator_probe import App
from tests.support.portal_visitor import (
    Visitor,
    at_credentials,
)


def test_secret(admin: Visitor) -> None:
    """A secret's value is shown once, beside its ID; it gets a token, and deleted it gets none."""
    with at_credentials(admin, "With a secret") as app_id:
        admin.open(admin.page.links["New client secret"])
        page = admin.press("Add", description="nightly", expires="90")

        assert "won't be able to see it" in page.text
        assert (
            "It is the Value, not the Secret ID, that goes into the program's settings" in page.text
        )
        value, key_id = page.ids["secret-value"], page.ids["secret-id"]
        app = App(admin.probe, admin.probe.emulator.tenant, app_id, value)
        assert app.token()
        directory, tenant = admin.probe.emulator.directory, admin.probe.emulator.tenant
        application = directory.applications.find(tenant, app_id)
        assert application is not None
        (entry,) = application.record["passwordCredentials"]
        assert (entry["keyId"], entry["displayName"]) == (key_id, "nightly")
        days = (parse_iso(entry["endDateTime"]) - parse_iso(entry["startDateTime"])) / 86_400
        assert days == 90

        page = admin.open(admin.url)
        assert value not in page.source
        assert f"{value[:3]}****" in page.text
        admin.open(next(a for w, a in page.links.items() if w.startswith("Delete")))
        assert "Do you want to delete the client secret nightly?" in admin.page.text
        admin.press("Delete")
        assert "No client secrets have been created" in admin.page.text
        assert admin.probe.post(app.token_path, app.form()).status == 401


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"expires": "7"}, "Choose when the secret expires."),
        ({"expires": "custom"}, "Give a date."),
        ({"expires": "custom", "start": "today", "end": "2030-01-01"}, "Give a date."),
        ({"expires": "custom", "start": "2030-01-02", "end": "2030-01-01"}, "at most 730 days"),
        ({"expires": "custom", "start": "2030-01-02", "end": "2033-01-01"}, "at most 730 days"),
        ({"description": "d" * 121}, "A description has at most 120 characters."),
    ],
)
def test_secret_refused(admin: Visitor, typed: dict[str, str], complaint: str) -> None:
    """A spell that makes no sense is refused at its field."""
    with at_credentials(admin, "Refused") as app_id:
        admin.open(admin.page.links["New client secret"])
        page = admin.press("Add", typed)

        assert (admin.status, complaint in page.text) == (400, True)
        directory = admin.probe.emulator.directory
        application = directory.applications.find(admin.probe.emulator.tenant, app_id)
        assert application is not None
        assert application.record["passwordCredentials"] == []


def test_custom_spell(admin: Visitor) -> None:
    """A secret may begin and end on days of one's own; nobody named it, so the portal does."""
    with at_credentials(admin, "Custom"):
        admin.open(admin.page.links["New client secret"])
        page = admin.press("Add", expires="custom", start="2030-01-01", end="2030-06-30")

        assert "6/30/2030" in page.text
        assert "Password uploaded on Tue Jan 01 2030" in page.text
