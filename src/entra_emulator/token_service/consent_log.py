"""Logs who consented to what on a page, for Graph's audit log of changes."""

import json
from collections.abc import Iterable

from starlette.requests import Request

from entra_emulator.model.records import Application, Tenant
from entra_emulator.token_service.requested_scopes import MissingConsent
from entra_emulator.web.activity_record import describe_user_initiator, note_activity
from entra_emulator.web.context import context_of


def note_consent(
    request: Request,
    tenant: Tenant,
    user_id: str,
    client: Application,
    scopes: Iterable[MissingConsent],
    *,
    everybody: bool,
) -> None:
    """Log that a user consented: for themselves, or as an administrator for everybody."""
    principals = context_of(request).directory.service_principals
    principal = principals.find(tenant, client.app_id)
    granted = [
        f"ResourceId: {resource.id}, Scope: {' '.join(scope['value'] for scope in records)}"
        for resource, records in scopes
    ]
    properties = {
        "ConsentContext.IsAdminConsent": str(everybody),
        "ConsentContext.OnBehalfOfAll": str(everybody),
        "ConsentAction.Permissions": "; ".join(granted),
    }
    note_activity(
        request,
        tenant,
        {
            "category": "ApplicationManagement",
            "activityDisplayName": "Consent to application",
            "operationType": "Assign",
            "initiatedBy": describe_user_initiator(request, tenant, user_id),
            "targetResources": [
                {
                    "id": principal.id if principal else None,
                    "displayName": client.display_name,
                    "type": "ServicePrincipal",
                    "userPrincipalName": None,
                    "groupType": None,
                    "modifiedProperties": [
                        {"displayName": name, "oldValue": None, "newValue": json.dumps(value)}
                        for name, value in properties.items()
                    ],
                }
            ],
        },
    )
