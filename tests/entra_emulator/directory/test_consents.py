from entra_emulator.directory.directory import Directory
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Tenant


def test_permissions(directory: Directory, seeded: Tenant) -> None:
    """Asking grants nothing; consent grants all that was asked for, once."""
    app_id = directory.applications.register(seeded, "x").app_id
    for value in ("User.Read.All", "Group.Read.All", "User.Read.All"):
        directory.applications.add_application_permission(seeded, app_id, value)

    asked = directory.applications.list_requested_roles(seeded, app_id)
    before = directory.consents.list_granted_roles(seeded, app_id)
    granted = [directory.consents.grant_admin_consent(seeded, app_id) for _ in range(2)]
    after = directory.consents.list_granted_roles(seeded, app_id, GRAPH_APP_ID)
    directory.consents.revoke(seeded, app_id)

    assert [permission.value for permission in asked] == ["User.Read.All", "Group.Read.All"]
    assert asked[0].display_name == "Read all users' full profiles and company properties"
    assert before == []
    assert granted == [["User.Read.All", "Group.Read.All"]] * 2
    assert after == ["Group.Read.All", "User.Read.All"]
    assert directory.consents.list_granted_roles(seeded, app_id) == []
