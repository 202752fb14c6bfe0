"""Application permissions: what a record asks for. Pure."""

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
            found: Record = role
            return found
    raise LookupError(
        f"{resource.display_name} has no application permission {value!r}; "
        "names look like 'User.Read.All'"
    )


def find_entitlement(resource: Record, role_id: str, kind: str) -> Record | None:
    """The resource's app role of this ID, if principals of this type can be given it."""
    if role_id == DEFAULT_ACCESS:
        return {"id": DEFAULT_ACCESS, "value": None}
    wanted = "Application" if kind == "servicePrincipal" else "User"
    for role in resource["appRoles"]:
        if role["id"] == role_id and role["isEnabled"] and wanted in role["allowedMemberTypes"]:
            found: Record = role
            return found
    return None


def ask_for_role(record: Record, resource: Application, value: str) -> Record:
    """
    The application's record, asking for the resource's app role of this value or ID too.

    Raises:
        LookupError: the resource has no such role.
    """
    return ask_for(record, resource, {"id": find_role(resource, value)["id"], "type": "Role"})


def ask_for(record: Record, resource: Application, access: Record) -> Record:
    """The application's record, asking for this `resourceAccess` of the resource too."""
    wanted = {
        entry["resourceAppId"]: list(entry["resourceAccess"])
        for entry in record["requiredResourceAccess"]
    }
    accesses = wanted.setdefault(resource.app_id, [])
    if access not in accesses:
        accesses.append(access)
    entries = [{"resourceAppId": k, "resourceAccess": v} for k, v in wanted.items()]
    return record | {"requiredResourceAccess": entries}


def list_permissions(record: Record, resource: Application) -> list[Permission]:
    """The resource's app roles that the application's record asks for."""
    roles = {role["id"]: role for role in resource.record["appRoles"]}
    asked = [
        access["id"]
        for entry in record["requiredResourceAccess"]
        for access in entry["resourceAccess"]
        if entry["resourceAppId"] == resource.app_id and access["type"] == "Role"
    ]
    return [
        Permission(
            resource.app_id,
            resource.display_name,
            role_id,
            roles[role_id]["value"],
            roles[role_id]["displayName"],
        )
        for role_id in asked
        if role_id in roles
    ]
