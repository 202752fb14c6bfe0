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


# Applications of Microsoft's whose service principals no tenant can delete ("these 16 service
# principals are automatically created", https://sandyzeng.com/microsoft-intune-service-principal/).
_INTERNAL = frozenset(
    {
        "00000001-0000-0000-c000-000000000000",  # Azure ESTS Service
        "00000002-0000-0000-c000-000000000000",  # Windows Azure Active Directory
        GRAPH_APP_ID,
        "0000000c-0000-0000-c000-000000000000",  # Microsoft App Access Panel
        "0bf30f3b-4a52-48df-9a82-234910c4a086",  # Microsoft Graph Change Tracking
        "37182072-3c9c-4f6a-a4b3-b3f91cacffce",  # AzureSupportCenter
        "797f4846-ba00-4fd7-ba43-dac1f8f63013",  # Windows Azure Service Management API
        "8fca0a66-c008-4564-a876-ab3ae0fd5cff",  # Microsoft.SMIT
        "a57aca87-cbc0-4f3c-8b9e-dc095fdc8978",  # IAM Supportability
        "aa9ecb1e-fd53-4aaa-a8fe-7a54de2c1334",  # Office 365 Configure
        "b4bddae8-ab25-483e-8670-df09b9f1d0ea",  # Signup
        "c728155f-7b2a-4502-a08b-b8af9b269319",  # AAD Request Verification Service - PROD
        "d73f4b35-55c9-48c7-8b10-651f6f2acb2e",  # MCAPI Authorization Prod
    }
)


def list_first_party_ids() -> frozenset[str]:
    """The application IDs of Microsoft's own that are known here."""
    return _INTERNAL | _CLIENTS.keys()


def is_internal(app_id: str) -> bool:
    """Whether a tenant cannot do without this application of Microsoft's."""
    return app_id.lower() in _INTERNAL


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
