"""
Directory roles, and which of them may consent. Pure.

Template IDs from "Microsoft Entra built-in roles"; who may consent to what from
"Grant tenant-wide admin consent to an application" and the roles' descriptions.
"""

from collections.abc import Collection

__all__ = ["ROLES", "USER_TEMPLATE", "find_role_id", "may_consent", "name_role", "rank_roles"]

ROLES = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Application Administrator": "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "Cloud Application Administrator": "158c047a-c907-4556-b7ef-446551a6b5f7",
    "Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814",
    "Directory Readers": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b",
    "Global Reader": "f2ef992c-3afb-46b9-b7cf-a126ee74c451",
    "User Administrator": "fe930be7-5e62-47db-91af-98c3a49a38b1",
}

# The role that every member has; in `wids` of every user's token.
USER_TEMPLATE = "b79fbf4d-3ef9-4689-8143-76b194e85509"

_EVERYTHING = {ROLES["Global Administrator"], ROLES["Privileged Role Administrator"]}
_ALL_BUT_GRAPH_ROLES = {
    ROLES["Application Administrator"],
    ROLES["Cloud Application Administrator"],
}


def find_role_id(role: str) -> str:
    """
    The template ID of a role, which may be given already.

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
    """Where somebody with these roles stands in a list: the mightiest first."""
    return min(list(ROLES.values()).index(role) for role in roles)


def may_consent(roles: Collection[str], *, graph_roles: bool) -> bool:
    """
    Whether somebody with these roles may consent for the whole tenant.

    Args:
        roles: template IDs.
        graph_roles: application permissions of Microsoft Graph are among what is asked for.
    """
    allowed = _EVERYTHING if graph_roles else _EVERYTHING | _ALL_BUT_GRAPH_ROLES
    return not allowed.isdisjoint(roles)
