"""Microsoft Graph's permissions by name, with their IDs, as three published files have them.

`permissions-descriptions.json` is what the portal offers. `permissions.json` has every permission
that opens a path. `provisioningInfo.json` of the same repository has the IDs of most of the others;
an extract of it is `data/provisioned_ids.json`, which `extract_ids` makes.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

EXTRACT = Path(__file__).parent / "data" / "provisioned_ids.json"

PROVENANCE = {
    "repository": "https://github.com/microsoftgraph/microsoft-graph-devx-content",
    "files": "permissions/new/permissions.json, permissions/permissions-descriptions.json, "
    "permissions/new/provisioningInfo.json",
    "date": "2026-08-07",
    "licence": "MIT, Copyright (c) Microsoft",
    "written_by": "tools/generate_permissions.py",
}


class Kind(NamedTuple):
    """Application or delegated permissions: their list of descriptions, their scheme."""

    descriptions: str
    scheme: str


ROLES = Kind("applicationScopesList", "Application")
SCOPES = Kind("delegatedScopesList", "DelegatedWork")


class Published(NamedTuple):
    """
    One permission.

    Args:
        id: None if no file has it.
        text: what consent pages call it for administrators, or of a role at all.
        user_text: the same for users.
        restricted: it needs an administrator's consent.
        specific: it is granted for a single team, chat or user ("Resource-specific consent"), and
            is no app role.
    """

    name: str
    id: str | None
    text: str
    user_text: str
    restricted: bool
    specific: bool


def list_published(
    kind: Kind, table: dict[str, Any], descriptions: dict[str, Any]
) -> list[Published]:
    """Every permission of a kind, by name; `table` is the content of permissions.json."""
    extract = json.loads(EXTRACT.read_text("utf-8"))[kind.scheme]
    rows = {row["value"]: row for row in descriptions[kind.descriptions]}
    opening = {
        name
        for name, permission in table.items()
        if any(kind.scheme in part["schemeKeys"] for part in permission["pathSets"])
    }
    published = []
    for name in sorted(opening | rows.keys()):
        if name in rows:
            published.append(_read_description(rows[name]))
            continue
        scheme = table[name]["schemes"].get(kind.scheme, {})
        text = scheme.get("adminDisplayName") or name
        published.append(
            Published(
                name,
                extract.get(name),
                text,
                scheme.get("userDisplayName") or text,
                scheme.get("requiresAdminConsent", True),
                specific=not scheme.get("adminDisplayName"),
            )
        )
    return published


def _read_description(row: dict[str, Any]) -> Published:
    # A few rows have one text only, or none; a tenth of the roles name the role for users only.
    admin, user = row.get("adminConsentDisplayName"), row.get("consentDisplayName")
    text = admin or user or row["value"]
    return Published(row["value"], row["id"], text, user or text, row["isAdmin"], specific=False)


def extract_ids(
    deployments: dict[str, Any], table: dict[str, Any], descriptions: dict[str, Any]
) -> str:
    """The text of the extract, from the content of provisioningInfo.json."""
    extract: dict[str, Any] = {"source": PROVENANCE}
    for kind in (ROLES, SCOPES):
        described = {row["value"] for row in descriptions[kind.descriptions]}
        extract[kind.scheme] = {
            name: row["id"].lower()
            for name, rows in sorted(deployments.items())
            for row in rows
            if name in table and name not in described
            if row["scheme"] == kind.scheme and row.get("id") and row["isEnabled"]
        }
    return json.dumps(extract, indent=1) + "\n"


def render_roles(roles: list[Published]) -> str:
    """The emulator's table of app roles: [ID, name, display name]."""
    listed = [r for r in roles if r.id and not r.specific]
    return _render(
        {
            "roles": [[r.id, r.name, r.text] for r in listed],
            "specific": [[r.id, r.name] for r in roles if r.id and r.specific],
            "without_id": [r.name for r in roles if not r.id],
        }
    )


def render_scopes(scopes: list[Published]) -> str:
    """The emulator's table of scopes: [ID, name, for administrators, for users, restricted]."""
    return _render(
        {
            "scopes": [[s.id, s.name, s.text, s.user_text, s.restricted] for s in scopes if s.id],
            "without_id": [s.name for s in scopes if not s.id],
        }
    )


def _render(tables: dict[str, list[Any]]) -> str:
    """The tables as JSON: one line for each entry, so that a change reads as a change."""
    parts = [f' "source": {json.dumps(PROVENANCE)}']
    for name, rows in tables.items():
        lines = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
        parts.append(f" {json.dumps(name)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"
