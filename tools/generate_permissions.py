"""Write the client's table of application permissions anew from Microsoft's published one.

    python tools/generate_permissions.py [FOLDER]

FOLDER holds `permissions.json` and `permissions-descriptions.json`; by default it is
`../shared/data/graph-permissions`, next to the checkout.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data" / "graph-permissions"
TARGET = ROOT / "src/graphdaemon/diagnosis/data/permissions.json"

PROVENANCE = {
    "repository": "https://github.com/microsoftgraph/microsoft-graph-devx-content",
    "files": "permissions/new/permissions.json, permissions/permissions-descriptions.json",
    "date": "2026-08-07",
    "licence": "MIT, Copyright (c) Microsoft",
    "written_by": "tools/generate_permissions.py",
}


class Accepted(NamedTuple):
    """One permission that one call accepts; `also` are those needed besides."""

    name: str
    least: bool
    also: tuple[str, ...]


def generate_permissions(table: dict[str, Any], descriptions: dict[str, Any]) -> dict[str, Any]:
    """
    What each call accepts from an application, and the IDs of roles and scopes.

    `roles` are `[name, id]`; `sets` are lists of their numbers, the least privileged first;
    `paths` name a set for each verb; `also` is what the least privileged one does not do without.
    """
    permissions = table["permissions"]
    calls = _collect(permissions)
    width = _count_uses(calls.values())
    ids = {row["value"]: row["id"] for row in descriptions["applicationScopesList"]}
    # Some open no path of the table (Sites.Selected), and are met in tokens all the same.
    names = sorted({one.name for accepted in calls.values() for one in accepted} | ids.keys())
    numbers = {name: number for number, name in enumerate(names)}
    sets: dict[tuple[int, ...], int] = {}
    paths: dict[str, dict[str, int]] = defaultdict(dict)
    also: dict[str, list[str]] = {}
    for (path, method), accepted in sorted(calls.items()):
        level = {one.name: _level(permissions, one.name) for one in accepted}
        ranked = sorted(
            accepted,
            key=lambda one: (
                method == "GET" and "Write" in one.name,
                not one.least,
                level[one.name],
                width[one.name],
                one.name,
            ),
        )
        members = tuple(numbers[one.name] for one in ranked)
        paths[path][method] = sets.setdefault(members, len(sets))
        if ranked[0].also:
            also[f"{method} {path}"] = list(ranked[0].also)
    scopes = {row["value"]: row["id"] for row in descriptions["delegatedScopesList"]}
    return {
        "source": PROVENANCE,
        "roles": [[name, ids.get(name)] for name in names],
        "scopes": sorted([name, number] for name, number in scopes.items()),
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
    return {call: list(accepted.values()) for call, accepted in calls.items()}


def _read_marks(marks: str) -> tuple[bool, tuple[str, ...]]:
    values = dict(part.split("=", 1) for part in marks.split(";") if part)
    also = values.get("AlsoRequires", "")
    return "Application" in values.get("least", "").split(","), tuple(filter(None, also.split(",")))


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


def main() -> None:
    """Write the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    table, descriptions = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in ("permissions.json", "permissions-descriptions.json")
    )
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(render(generate_permissions(table, descriptions)), encoding="utf-8")


if __name__ == "__main__":
    main()
