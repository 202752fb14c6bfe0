from __future__ import annotations

import json

from tests.support.portal_visitor import (
    Visitor,
    register_by_hand,
)


def test_rename_and_delete(admin: Visitor) -> None:
    """An application gets another name; deleted, it is in the recycle bin with its principal."""
    app_id = register_by_hand(admin, "Short-lived")
    emulator = admin.probe.emulator
    directory, tenant = emulator.directory, emulator.tenant
    admin.open(admin.page.links["Change the display name"])
    admin.press("Save", name="")
    assert admin.status == 400
    admin.press("Save", name="Renamed")
    assert "The application is called Renamed." in admin.page.text
    principal = directory.service_principals.find(tenant, app_id)
    assert principal is not None
    assert principal.display_name == "Renamed"

    admin.open(f"/portal/{tenant.id}/applications/{app_id}")
    admin.open(admin.page.links["Delete"])
    assert "Do you want to delete the app registration Renamed?" in admin.page.text
    admin.press("Delete")

    assert "Renamed was deleted." in admin.page.text
    assert directory.applications.find(tenant, app_id) is None
    deleted = directory.recycle_bin.list_objects(tenant, "application")
    assert app_id in {json.loads(one.doc)["appId"] for one in deleted}
    admin.open(f"/portal/{tenant.id}/applications/{app_id}")
    assert (admin.status, app_id in admin.page.text) == (404, True)


def test_manifest(admin: Visitor) -> None:
    """The manifest is what Graph answers, as JSON."""
    app_id = register_by_hand(admin, "Documented")
    emulator = admin.probe.emulator
    found = emulator.directory.applications.find(emulator.tenant, app_id)
    admin.open(admin.page.links["Manifest"])

    assert found is not None
    assert json.loads(admin.page.ids["manifest"]) == found.record
