"""
Directory roles, and which of them may consent. Pure.

Template IDs from "Microsoft Entra built-in roles"; who may consent to what from
"Grant tenant-wide admin consent to an application" and the roles' descriptions.
"""

from collections.abc import Collection, Mapping
from importlib.resources import files

import msgspec

from entra_emulator.model.records import Record


def _load() -> dict[str, tuple[str, str]]:
    """The built-in roles by name, with template ID and description (data/directory_roles.json)."""
    text = files(__package__).joinpath("data", "directory_roles.json").read_bytes()
    return msgspec.convert(msgspec.json.decode(text)["roles"], dict[str, tuple[str, str]])


_BUILT_IN = _load()

# Template IDs by name. The first ten may do something here, and stand in the order of their power;
# the others can be given to people, and are nothing more than a name.
ROLES = {name: template for name, (template, _) in _BUILT_IN.items()}
DESCRIPTIONS: Mapping[str, str] = dict(_BUILT_IN.values())

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
        raise LookupError(
            f"no directory role {role!r}; they are listed in Microsoft Entra built-in roles"
        )
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
