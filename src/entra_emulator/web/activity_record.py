"""Entries of the log of changes: who did it, and what Graph's `directoryAudit` says of it."""

from starlette.requests import Request

from entra_emulator.audit import Activity
from entra_emulator.model.records import Record, Tenant
from entra_emulator.web.context import context_of, trace_of

# A sender may send an agent of any length; the log cuts it to so many characters.
LONGEST_AGENT = 500


def describe_user_initiator(request: Request, tenant: Tenant, user_id: str) -> Record:
    """`initiatedBy` of a signed-in user."""
    user = context_of(request).directory.users.find(tenant, user_id) or {}
    return {
        "app": None,
        "user": {
            "id": user_id,
            # As recorded: the directory logs no name.
            "displayName": None,
            "userPrincipalName": user.get("userPrincipalName"),
            "ipAddress": request.client.host if request.client else None,
            "userType": None,
            "homeTenantId": None,
            "homeTenantName": None,
        },
    }


def describe_app_initiator(
    request: Request, tenant: Tenant, app_id: str, principal_id: str
) -> Record:
    """`initiatedBy` of an application by itself."""
    principal = context_of(request).directory.service_principals.find(tenant, app_id)
    return {
        "app": {
            "appId": app_id,
            "displayName": principal.display_name if principal else None,
            "servicePrincipalId": principal_id,
            "servicePrincipalName": None,
        },
        "user": None,
    }


def note_activity(request: Request, tenant: Tenant, entry: Record) -> None:
    """
    Write down what a request did in the tenant.

    The entry has `category`, `activityDisplayName`, `operationType`, `initiatedBy` and
    `targetResources`, and what differs from a success.
    """
    trace = trace_of(request)
    agent = request.headers.get("user-agent", "")[:LONGEST_AGENT]
    record = {
        "correlationId": trace.client_request_id or trace.request_id,
        "result": "success",
        "resultReason": "",
        "loggedByService": "Core Directory",
        "additionalDetails": [{"key": "User-Agent", "value": agent}] if agent else [],
        **entry,
    }
    context_of(request).audit.activities.note(Activity(trace.now, tenant.id, record))
