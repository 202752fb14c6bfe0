"""App roles as a form describes them. Pure."""

from entra_emulator.model.records import Record
from entra_emulator.portal.exposed_api import CheckedForm, check_name, check_texts
from entra_emulator.web.pages.forms import Form

# Who can be given a role, as forms say it and as Graph does.
MEMBERS = {
    "users": ["User"],
    "applications": ["Application"],
    "both": ["User", "Application"],
}

# The most characters ("appRole resource type"); the portal wants all three.
_LONGEST = {"displayName": 100, "value": 120, "description": 1024}


def read_role(record: Record, form: Form, role_id: str) -> CheckedForm:
    """The app role that a form describes, which has the ID already or is to have it."""
    texts = {name: form.get(name) for name in _LONGEST}
    members = MEMBERS.get(form.get("members"), [])
    role: Record = {
        **texts,
        "id": role_id,
        "allowedMemberTypes": members,
        "isEnabled": bool(form.get("enabled")),
    }
    problems = check_name(record, texts["value"], role_id)
    problems |= check_texts(texts, _LONGEST, tuple(_LONGEST))
    if not members:
        problems["members"] = "approle.problem.members"
    return CheckedForm(role, problems)


def name_members(role: Record) -> str:
    """Who can be given the role, as a key of MEMBERS."""
    types = set(role["allowedMemberTypes"])
    return next((name for name, members in MEMBERS.items() if set(members) == types), "both")
