"""
Directory roles, and which of them may consent. Pure.

Template IDs from "Microsoft Entra built-in roles"; who may consent to what from
"Grant tenant-wide admin consent to an application" and the roles' descriptions.
"""

from collections.abc import Collection

from entra_emulator.model.records import Record

ROLES = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "Cloud Application Administrator": "158c047a-c907-4556-b7ef-446551a6b5f7",
    "Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "Directory Readers": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "Global Reader": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "User Administrator": "fe930be7-5e62-47db-91af-98c3a49a38b1",
    "Groups Administrator": "fdd7a751-b60b-444a-984c-02652fe8fa1c",
    "Helpdesk Administrator": "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "License Administrator": "4d6ac14f-3453-41d0-bef9-a3e0c569773a",
}

# "Microsoft Entra built-in roles".
DESCRIPTIONS = {
    ROLES["Global Administrator"]: (
        "Can manage all aspects of Microsoft Entra ID and Microsoft services that use Microsoft "
        "Entra identities."
    ),
    ROLES["Application Administrator"]: (
        "Can create and manage all aspects of app registrations and enterprise apps."
    ),
    ROLES["Cloud Application Administrator"]: (
        "Can create and manage all aspects of app registrations and enterprise apps except App "
        "Proxy."
    ),
    ROLES["Privileged Role Administrator"]: (
        "Can manage role assignments in Microsoft Entra ID, and all aspects of Privileged Identity "
        "Management."
    ),
    ROLES["Directory Readers"]: (
        "Can read basic directory information. Commonly used to grant directory read access to "
        "applications and guests."
    ),
    ROLES["Global Reader"]: "Can read everything that a Global Administrator can, but not update "
    "anything.",
    ROLES["User Administrator"]: (
        "Can manage all aspects of users and groups, including resetting passwords for limited "
        "admins."
    ),
    ROLES["Groups Administrator"]: (
        "Members of this role can create/manage groups, create/manage groups settings like naming "
        "and expiration policies, and view groups activity and audit reports."
    ),
    ROLES["Helpdesk Administrator"]: (
        "Can reset passwords for non-administrators and Helpdesk Administrators."
    ),
    ROLES["License Administrator"]: "Can manage product licenses on users and groups.",
}

# The role that every member has; in `wids` of every user's token.
USER_TEMPLATE = "b79fbf4d-3ef9-4689-8143-76b194e85509"

# Whoever may grant Graph's application permissions could grant an app the power over every role: so
# the application administrators may not ("Grant tenant-wide admin consent to an application").
_EVERYTHING = {ROLES["Global Administrator"], ROLES["Privileged Role Administrator"]}
_ALL_BUT_GRAPH_ROLES = {
    ROLES["Application Administrator"],
    ROLES["Cloud Application Administrator"],
}


def draft_role(object_id: str, template_id: str) -> Record:
    """A new `directoryRole`, made when its template is first used."""
    return {
        "id": object_id,
        "deletedDateTime": None,
        "description": DESCRIPTIONS.get(template_id),
        "displayName": name_role(template_id),
        "roleTemplateId": template_id,
    }


def find_role_id(role: str) -> str:
    """
    The template ID of a role, by name or by the template ID itself.

    Raises:
        LookupError: no such role is known here.
    """
    if role in ROLES.values():
        return role
    if role not in ROLES:
        raise LookupError(f"no directory role {role!r}; there are {', '.join(ROLES)}")
    return ROLES[role]


def name_role(template_id: str) -> str:
    """The name of the role of this template ID."""
    return next(name for name, known in ROLES.items() if known == template_id)


def rank_roles(roles: Collection[str]) -> int:
    """Where a user with these roles stands in a list that begins with the most powerful."""
    return min(list(ROLES.values()).index(role) for role in roles)


def may_consent(roles: Collection[str], *, graph_roles: bool) -> bool:
    """
    Whether a user with these roles, by template ID, may consent for the whole tenant.

    With `graph_roles` the application asks for application permissions of Microsoft Graph.
    """
    allowed = _EVERYTHING if graph_roles else _EVERYTHING | _ALL_BUT_GRAPH_ROLES
    return not allowed.isdisjoint(roles)
