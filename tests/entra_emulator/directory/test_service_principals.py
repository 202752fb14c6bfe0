from entra_emulator.directory.directory import Directory
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Tenant


def test_graph_principal(directory: Directory, seeded: Tenant) -> None:
    """Microsoft Graph's service principal has its published application permissions."""
    principal = directory.service_principals.find(seeded, GRAPH_APP_ID)
    assert principal is not None
    roles = {role["value"]: role["id"] for role in principal.record["appRoles"]}

    assert roles["User.Read.All"] == "df021288-bdef-4463-88db-98f22de89214"
    assert len(roles) > 500
