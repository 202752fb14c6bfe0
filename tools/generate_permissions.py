"""Write both programs' tables of permissions anew from Microsoft's published ones.

    python -m tools.generate_permissions [FOLDER [PROVISIONING]]

FOLDER holds `permissions.json` and `permissions-descriptions.json`; by default it is
`../shared/data/graph-permissions`, next to the checkout. With PROVISIONING, the same repository's
`provisioningInfo.json`, the extract of the IDs that it has is made anew first.

Each program has its own copy: the client which call accepts which permission, the emulator the app
roles and scopes of Microsoft Graph's service principal.
"""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tools import published_permissions
from tools.published_permissions import PROVENANCE, ROLES, SCOPES, list_published

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data" / "graph-permissions"
ROLES_TARGET = ROOT / "src/entra_emulator/model/data/roles.json"
SCOPES_TARGET = ROOT / "src/entra_emulator/model/data/scopes.json"
FILES = ("permissions.json", "permissions-descriptions.json")
TARGET = ROOT / "src/graphdaemon/diagnosis/data/permissions.json"

# Of these, ReadBasic shows some properties alone ("Microsoft Graph permissions reference"): of a
# user a dozen, of a message no body. Elsewhere (Team, Channel) it shows what such a call is for.
_BASIC = frozenset(
    {"User", "Group", "GroupMember", "Mail", "Calendars", "EduAssignments", "EduRoster"}
)
# Products whose permissions also open a few calls of the directory, which belongs to all of them:
# how their names begin, and what a path of their own holds.
_PRODUCTS = {
    "DeviceManagement": re.compile(
        r"/device(app)?management|manageddevice|mobileapp|intune|/officeconfiguration"
    ),
    "AgentId": re.compile("agent"),
    "Edu": re.compile("/education"),
}


# What Microsoft's table leaves out and a page of the reference says: "Add members" (group, user; of
# a device, contact or app the member's own permission besides).
_PAGES = {
    ("POST", "/groups/{id}/members"): (
        *("GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"),
    ),
}


class Accepted(NamedTuple):
    """One permission that one call accepts; of those in `also` one is needed besides."""

    name: str
    least: bool
    also: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What it is about, such as `User`."""
        return self.name.partition(".")[0]


class Call(NamedTuple):
    """A method, and a path in small letters."""

    method: str
    path: str

    def is_of_object(self, kind: str) -> bool:
        """Whether the path is that of all objects of a kind (`user`), or of one: `/users/{id}`."""
        first, *further = self.path.strip("/").split("/")
        return first == f"{kind.lower()}s" and len(further) <= 1


def generate_permissions(table: dict[str, Any], descriptions: dict[str, Any]) -> dict[str, Any]:
    """
    What each call accepts from an application, and the IDs of roles and scopes.

    `roles` are `[name, id]`; `sets` are lists of their numbers, the one to ask for first: the least
    privileged of those that open the whole call. `paths` name a set for each verb; `also` is what
    the first one does not do without.
    """
    permissions = table["permissions"]
    calls = _collect(permissions)
    width = _count_uses(calls.values())
    # Those that the portal offers.
    offered = {row["value"] for row in descriptions[ROLES.descriptions]}
    # Some open no path of the table (Sites.Selected), and are met in tokens all the same.
    roles = list_published(ROLES, permissions, descriptions)
    numbers = {role.name: number for number, role in enumerate(roles)}
    sets: dict[tuple[int, ...], int] = {}
    paths: dict[str, dict[str, int]] = defaultdict(dict)
    also: dict[str, list[str]] = {}
    for (path, method), accepted in sorted(calls.items()):
        call = Call(method, path)
        # Reading needs no permission to write, whatever it is marked as.
        kinds = {one.kind for one in accepted if one.least and not _opens_part(call, one)}
        ranked = sorted(
            accepted,
            key=lambda one: (
                method == "GET" and "Write" in one.name,
                _opens_part(call, one),
                # The portal does not offer it, so nobody can add it to a registration by its name:
                # it is very new, or is granted for a single team or chat.
                one.name not in offered,
                not one.least,
                # Where the least cannot be asked for, the nearest of its kind can.
                one.kind not in kinds,
                _level(permissions, one.name),
                width[one.name],
                one.name,
            ),
        )
        members = tuple(numbers[one.name] for one in ranked)
        paths[path][method] = sets.setdefault(members, len(sets))
        if ranked[0].also:
            also[f"{method} {path}"] = list(ranked[0].also)
    return {
        "source": PROVENANCE,
        "roles": [[role.name, role.id] for role in roles],
        "scopes": [
            [scope.name, scope.id] for scope in list_published(SCOPES, permissions, descriptions)
        ],
        "sets": [list(members) for members in sets],
        "also": also,
        "paths": dict(paths),
    }


def _collect(permissions: dict[str, Any]) -> dict[tuple[str, str], list[Accepted]]:
    calls: dict[tuple[str, str], dict[str, Accepted]] = defaultdict(dict)
    for name, permission in permissions.items():
        for path_set in permission["pathSets"]:
            if "Application" not in path_set["schemeKeys"]:
                continue
            for path, marks in path_set["paths"].items():
                least, also = _read_marks(marks)
                for method in path_set["methods"]:
                    calls[path.lower(), method][name] = Accepted(name, least, also)
    for (method, path), names in _PAGES.items():
        for place, name in enumerate(names):
            calls[path, method].setdefault(name, Accepted(name, place == 0, ()))
    return {call: list(accepted.values()) for call, accepted in calls.items()}


def _read_marks(marks: str) -> tuple[bool, tuple[str, ...]]:
    values = dict(part.split("=", 1) for part in marks.split(";") if part)
    also = values.get("AlsoRequires", "")
    return "Application" in values.get("least", "").split(","), tuple(filter(None, also.split(",")))


def _opens_part(call: Call, permission: Accepted) -> bool:
    """
    Whether the permission lets a call do only part of what it is for, or is another product's.

    Microsoft marks some of these as the least privileged, since the call succeeds: with
    `User.ReadBasic.All` a user has a dozen properties, with `User-Mail.ReadWrite.All` one can be
    changed ("Microsoft Graph permissions reference").
    """
    name = permission.name
    resource, _, action = name.partition(".")
    if call.method != "GET" and permission.also and "Write" not in action:
        return True  # it reads, and another one writes
    if call.method == "GET" and "Basic" in action and resource in _BASIC:
        return True
    if any(name.startswith(word) and not own.search(call.path) for word, own in _PRODUCTS.items()):
        return True
    if action == "ReadWrite.CrossCloud":
        return True
    # What has a path of its own (`/users/{id}/revokeSignInSessions`) is opened whole by it.
    kind, hyphen, _ = resource.partition("-")
    special = bool(hyphen) or action.split(".")[0] not in ("Read", "ReadBasic", "ReadWrite")
    return special and call.method in ("GET", "PATCH") and call.is_of_object(kind)


def _count_uses(calls: Iterable[list[Accepted]]) -> dict[str, int]:
    """How many calls each permission opens: of two alike, the one that opens less is the less."""
    uses: dict[str, int] = defaultdict(int)
    for accepted in calls:
        for one in accepted:
            uses[one.name] += 1
    return uses


def _level(permissions: dict[str, Any], name: str) -> int:
    level = permissions[name]["schemes"].get("Application", {}).get("privilegeLevel")
    return int(level) if level is not None else 3


def render(content: dict[str, Any]) -> str:
    """The table as JSON, one path a line, so that a later edition can be compared."""
    parts = [
        f'"{name}":' + json.dumps(content[name], separators=(",", ":"))
        for name in ("source", "roles", "scopes", "sets", "also")
    ]
    rows = ",\n".join(
        f"{json.dumps(path)}:{json.dumps(verbs, separators=(',', ':'))}"
        for path, verbs in content["paths"].items()
    )
    return "{" + ",\n".join([*parts, '"paths":{\n' + rows + "\n}"]) + "}\n"


def generate(folder: Path = SOURCE) -> dict[Path, str]:
    """The text that each table must have, by its file."""
    table, descriptions = (_load(folder / name) for name in FILES)
    roles, scopes = (
        list_published(kind, table["permissions"], descriptions) for kind in (ROLES, SCOPES)
    )
    return {
        TARGET: render(generate_permissions(table, descriptions)),
        ROLES_TARGET: published_permissions.render_roles(roles),
        SCOPES_TARGET: published_permissions.render_scopes(scopes),
    }


def _load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    """Write the tables."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    if len(sys.argv) > 2:
        deployments = _load(Path(sys.argv[2]))["permissionDeployments"]
        table, descriptions = (_load(folder / name) for name in FILES)
        extract = published_permissions.extract_ids(deployments, table["permissions"], descriptions)
        published_permissions.EXTRACT.write_text(extract, encoding="utf-8")
    for path, text in generate(folder).items():
        path.write_text(text, encoding="utf-8")
        print(f"{path}: {len(text)} characters")


if __name__ == "__main__":
    main()
