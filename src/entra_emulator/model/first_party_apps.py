"""
Microsoft's own public clients, which every tenant knows without a registration.

Application IDs from "Verify first-party Microsoft applications in sign-in reports".
"""

from functools import cache
from typing import NamedTuple

from entra_emulator.model.applications import GRAPH_APP_ID, draft_application
from entra_emulator.model.records import Application
from entra_emulator.model.scopes import OPENID


class FirstParty(NamedTuple):
    """
    A public client of Microsoft's.

    Args:
        display_name: what people see.
        preauthorized: scopes of Graph that it has without anybody's consent; without any, users
            consent as to every other client.
        family: its refresh tokens are good for other clients of the family too (`foci`).
    """

    display_name: str
    preauthorized: tuple[str, ...]
    family: bool


# What Azure CLI's tokens for Graph hold: recorded 2021 (Azure/azure-sdk-for-js, device code), plus
# what `az ad` needs since it calls Microsoft Graph.
_AZURE = (
    *OPENID,
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.AccessAsUser.All",
    "Group.ReadWrite.All",
    "User.Read.All",
    "User.ReadWrite.All",
)

_CLIENTS = {
    "04b07795-8ddb-461a-bbee-02f9e1bf7b46": FirstParty("Microsoft Azure CLI", _AZURE, True),
    "14d82eec-204b-4c2f-b7e8-296a70dab67e": FirstParty(
        "Microsoft Graph Command Line Tools", (), False
    ),
    "1950a258-227b-4e31-a9cf-717495945fc2": FirstParty("Microsoft Azure PowerShell", _AZURE, True),
}


def find_first_party(app_id: str) -> Application | None:
    """The registration of a client of Microsoft's; nobody may change its record."""
    return _draft(app_id.lower()) if app_id.lower() in _CLIENTS else None


def list_preauthorized(app_id: str, resource_app_id: str) -> frozenset[str]:
    """The resource's scopes that the client has without anybody's consent."""
    client = _CLIENTS.get(app_id.lower())
    return frozenset(client.preauthorized if client and resource_app_id == GRAPH_APP_ID else ())


def is_in_family(app_id: str) -> bool:
    """Whether the client shares its refresh tokens."""
    client = _CLIENTS.get(app_id.lower())
    return client is not None and client.family


@cache
def _draft(app_id: str) -> Application:
    record = draft_application(
        app_id,
        app_id,
        _CLIENTS[app_id].display_name,
        created="2015-01-01T00:00:00Z",
        domain="microsoft.com",
        audience="AzureADMultipleOrgs",
        public_redirect_uris=("http://localhost", "http://127.0.0.1"),
        allow_public_client=True,
    )
    return Application(record)
