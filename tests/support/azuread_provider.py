"""
Terraform's azuread provider as Graph sees it: the requests that each of its steps sends, in order.

Written from the provider's public source (hashicorp/terraform-provider-azuread, August 2026): its
paths have the tenant behind the version, values that are not configured are sent as null, and every
new object is renamed twice, which tells the provider that all replicas know it.
"""

from dataclasses import dataclass
from typing import Any

from tests.support.emulator_probe import Answer
from tests.support.graph_writer import Writer

State = dict[str, Any]

EMPTY_API = {
    "oauth2PermissionScopes": [],
    "preAuthorizedApplications": [],
    "requestedAccessTokenVersion": 1,
}


@dataclass(frozen=True)
class Provider:
    """Applies resources with the permissions of one application."""

    writer: Writer

    @property
    def caller(self) -> str:
        """The object ID in the provider's own token."""
        found = self.read(f"/servicePrincipals(appId='{self.writer.app.client_id}')")
        return str(found["id"])

    def send(self, method: str, path: str, body: Any = None, *, version: str = "v1.0") -> Answer:
        target = f"/{version}/{self.writer.app.tenant.id}{path}"
        headers = {
            "Accept": "application/json; charset=utf-8; IEEE754Compatible=false",
            "Content-Type": "application/json; charset=utf-8",
            "OData-MaxVersion": "4.0",
            "OData-Version": "4.0",
        }
        return self.writer.send_to(method, target, body, headers)

    def read(self, path: str, *, version: str = "v1.0") -> State:
        answer = self.send("GET", path, version=version)
        assert answer.status == 200, answer.body
        state: State = answer.json()
        return state

    def list(self, path: str, *, version: str = "v1.0") -> list[str]:
        """The IDs in a list."""
        return [item["id"] for item in self.read(path, version=version)["value"]]

    def make(self, path: str, body: State, *, version: str = "v1.0") -> State:
        answer = self.send("POST", path, body, version=version)
        assert answer.status in {200, 201}, answer.body
        state: State = answer.json()
        return state

    def change(self, path: str, body: State, *, version: str = "v1.0") -> None:
        answer = self.send("PATCH", path, body, version=version)
        assert answer.status == 204, answer.body

    def link(self, path: str, object_id: str, *, method: str = "POST") -> None:
        answer = self.send(method, f"{path}/$ref", {"@odata.id": self.refer(object_id)})
        assert answer.status == 204, answer.body

    def delete(self, path: str) -> None:
        answer = self.send("DELETE", path)
        assert answer.status == 204, answer.body

    def destroy(self, path: str) -> None:
        """Delete an object, and wait until nothing is there."""
        self.delete(path)
        assert self.send("GET", path).status == 404

    def rename(self, path: str, name: str, *, version: str = "v1.0") -> None:
        """Give a new object another name for a moment."""
        for shown in ("TERRAFORM_UPDATE_3f0c", name):
            self.change(path, {"displayName": shown}, version=version)

    def refer(self, object_id: str, *, version: str = "v1.0") -> str:
        tenant = self.writer.app.tenant.id
        return f"https://graph.microsoft.com/{version}/{tenant}/directoryObjects/{object_id}"


def apply_application(provider: Provider, **more: Any) -> str:
    """Create an application as `azuread_application` does; its object ID."""
    body: State = {
        "@odata.type": "#microsoft.graph.application",
        "api": {"acceptMappedClaims": None, "knownClientApplications": [], **EMPTY_API},
        "appRoles": [],
        "description": None,
        "displayName": "Orders",
        "groupMembershipClaims": None,
        "identifierUris": [],
        "info": dict.fromkeys(
            ("marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl")
        ),
        "isDeviceOnlyAuthSupported": False,
        "isFallbackPublicClient": False,
        "notes": None,
        "owners@odata.bind": [provider.refer(provider.caller)],
        "publicClient": {"redirectUris": []},
        "requiredResourceAccess": [],
        "serviceManagementReference": None,
        "signInAudience": "AzureADMyOrg",
        "spa": {"redirectUris": []},
        "tags": [],
        "web": {
            "homePageUrl": None,
            "implicitGrantSettings": {
                "enableAccessTokenIssuance": False,
                "enableIdTokenIssuance": False,
            },
            "logoutUrl": None,
            "redirectUris": [],
        },
    } | more
    key = provider.make("/applications", body)["id"]
    provider.rename(f"/applications/{key}", body["displayName"])
    post = {"oauth2RequirePostResponse": False}
    provider.change(f"/applications/{key}", post, version="beta")
    # The configuration names no owner, so the provider takes itself away.
    provider.delete(f"/applications/{key}/owners/{provider.caller}/$ref")
    return str(key)


def apply_principal(provider: Provider, app_id: str) -> str:
    """Create a service principal as `azuread_service_principal` does; its object ID."""
    query = f"/servicePrincipals?%24filter=appId+eq+%27{app_id}%27"
    assert provider.list(query) == []
    body = {
        "@odata.type": "#microsoft.graph.servicePrincipal",
        "accountEnabled": True,
        "alternativeNames": [],
        "appId": app_id,
        "appRoleAssignmentRequired": False,
        "description": "TERRAFORM_UPDATE_3f0c",
        "loginUrl": None,
        "notes": None,
        "notificationEmailAddresses": [],
        "owners@odata.bind": [provider.refer(provider.caller)],
        "preferredSingleSignOnMode": None,
        "samlSingleSignOnSettings": None,
        "tags": [],
    }
    key = provider.make("/servicePrincipals", body)["id"]
    provider.change(f"/servicePrincipals/{key}", {"description": None})
    provider.delete(f"/servicePrincipals/{key}/owners/{provider.caller}/$ref")
    return str(key)


def read_application(provider: Provider, key: str) -> State:
    state = provider.read(f"/applications/{key}")
    beta = provider.read(f"/applications/{key}?%24select=oauth2RequirePostResponse", version="beta")
    return state | {
        "oauth2RequirePostResponse": beta["oauth2RequirePostResponse"],
        "owners": provider.list(f"/applications/{key}/owners"),
    }


def read_principal(provider: Provider, key: str) -> State:
    state = provider.read(f"/servicePrincipals/{key}")
    beta = provider.read(f"/servicePrincipals/{key}?%24select=samlMetadataUrl", version="beta")
    return state | {
        "samlMetadataUrl": beta["samlMetadataUrl"],
        "owners": provider.list(f"/servicePrincipals/{key}/owners"),
    }
