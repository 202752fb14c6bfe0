"""App roles (application permissions), and which of them an application asks for. Pure."""

from typing import cast

from entra_emulator.model import schema
from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.model.records import Application, Permission, Record

# The role ID of an assignment without a role ("appRoleAssignment resource type").
DEFAULT_ACCESS = "00000000-0000-0000-0000-000000000000"


def find_role(resource: Application, value: str) -> Record:
    """
    The resource's app role of this value or ID.

    Raises:
        LookupError: the resource has no such role.
    """
    for role in resource.record["appRoles"]:
        if value in {role["value"], role["id"]}:
            return cast("Record", role)
    of_graph = resource.app_id == GRAPH_APP_ID
    reason = schema.explain_absence(value, delegated=False) if of_graph else None
    hint = reason or "names look like 'User.Read.All'"
    raise LookupError(f"{resource.display_name} has no application permission {value!r}; {hint}")


def find_entitlement(resource: Record, role_id: str, kind: str) -> Record | None:
    """The resource's app role of this ID, if principals of this type can be given it."""
    if role_id == DEFAULT_ACCESS:
        return {"id": DEFAULT_ACCESS, "value": None}
    # "User" stands for groups too: whoever is in one gets the role ("appRole resource type").
    member_type = "Application" if kind == "servicePrincipal" else "User"
    for role in resource["appRoles"]:
        if (
            role["id"] == role_id
            and role["isEnabled"]
            and member_type in role["allowedMemberTypes"]
        ):
            return cast("Record", role)
    return None


def ask_for(record: Record, resource: Application, access: Record) -> Record:
    """The application's record, asking for this `resourceAccess` of the resource too."""
    by_resource = {
        entry["resourceAppId"]: list(entry["resourceAccess"])
        for entry in record["requiredResourceAccess"]
    }
    accesses = by_resource.setdefault(resource.app_id, [])
    if access not in accesses:
        accesses.append(access)
    entries = [{"resourceAppId": k, "resourceAccess": v} for k, v in by_resource.items()]
    return record | {"requiredResourceAccess": entries}


def list_accesses(record: Record, resource: Application, access_type: str) -> list[str]:
    """The IDs of the resource's "Role"s or "Scope"s that the application's record asks for."""
    return [
        access["id"]
        for entry in record["requiredResourceAccess"]
        for access in entry["resourceAccess"]
        if entry["resourceAppId"] == resource.app_id and access["type"] == access_type
    ]


def list_permissions(record: Record, resource: Application) -> list[Permission]:
    """The resource's app roles that the application's record asks for."""
    roles = {role["id"]: role for role in resource.record["appRoles"]}
    role_ids = list_accesses(record, resource, "Role")
    return [
        Permission(
            resource.app_id,
            resource.display_name,
            role_id,
            roles[role_id]["value"],
            roles[role_id]["displayName"],
        )
        for role_id in role_ids
        if role_id in roles
    ]
