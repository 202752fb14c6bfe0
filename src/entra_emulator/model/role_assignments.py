"""
Role definitions and role assignments, as `roleManagement/directory` shows them. Pure.

Sources: the resource types unifiedRoleDefinition and unifiedRoleAssignment of Microsoft Graph v1.0,
and the API pages "List roleDefinitions", "Create roleDefinitions", "Create unifiedRoleAssignment".
"""

import base64
import re
from uuid import UUID

from entra_emulator.model.directory_roles import DESCRIPTIONS, ROLES
from entra_emulator.model.records import Record

# The scope of whoever has a role for the whole tenant.
EVERYWHERE = "/"

# The role that built-in roles inherit from, as the examples of "List roleDefinitions" have it.
_READERS = ROLES["Directory Readers"]

_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_SCOPE = re.compile(rf"/(?P<unit>administrativeUnits/)?(?P<id>{_GUID})", re.IGNORECASE)


def draft_built_in(name: str, template: str) -> Record:
    """A role definition of Microsoft's; what it permits is not listed here."""
    return {
        "id": template,
        "description": DESCRIPTIONS.get(template),
        "displayName": name,
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": [EVERYWHERE],
        "templateId": template,
        "version": "1",
        "rolePermissions": [],
        "inheritsPermissionsFrom": [] if template == _READERS else [{"id": _READERS}],
    }


def draft_custom(object_id: str, properties: Record) -> Record:
    """A role definition of the tenant's own."""
    return {
        "id": object_id,
        "description": None,
        "displayName": None,
        "isBuiltIn": False,
        "isEnabled": True,
        "resourceScopes": [EVERYWHERE],
        "templateId": object_id,
        "version": None,
        "rolePermissions": [],
        "inheritsPermissionsFrom": [],
    } | properties


def draft_role_assignment(role: str, principal: str, scope: str) -> Record:
    """A role assignment: of a role definition, to a principal, for a scope such as `/`."""
    return {
        "id": name_role_assignment(role, principal, scope),
        "principalId": principal,
        "directoryScopeId": scope,
        "roleDefinitionId": role,
    }


def name_role_assignment(role: str, principal: str, scope: str) -> str:
    """
    The ID of a role assignment: that of the role, of the principal, and of the scope but for `/`.

    So are the documented ones ("List unifiedRoleAssignments"; example 3 of "Create
    unifiedRoleAssignment" for a scope), with `-1` behind.
    """
    parts = (role, principal, *filter(None, [find_scope_id(scope)]))
    raw = b"".join(UUID(part).bytes_le for part in parts)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode() + "-1"


def find_scope_id(scope: str) -> str:
    """
    The ID of the object that is a scope, in small letters; empty for the whole tenant.

    Raises:
        ValueError: it is neither `/` nor `/{id}` nor `/administrativeUnits/{id}`.
    """
    if scope == EVERYWHERE:
        return ""
    match = _SCOPE.fullmatch(scope)
    if match is None:
        raise ValueError(f"{scope!r} is no scope of a role")
    return match["id"].lower()


def write_scope(object_id: str, kind: str) -> str:
    """The scope that is this object."""
    return f"/administrativeUnits/{object_id}" if kind == "administrativeUnit" else f"/{object_id}"
