"""Write the emulator's table of types and properties anew from Microsoft's published metadata.

    python tools/generate_schema.py [FOLDER]

FOLDER holds `graph-metadata/`; by default it is `../shared/data`, next to the checkout.
"""

import json
import sys
from pathlib import Path
from typing import Any

from entra_emulator.graph.routes import SETS
from entra_emulator.model.kinds import KINDS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data"
TARGET = ROOT / "src/entra_emulator/model/data"

# Those of the objects that are kept, of the sets that are served, and what those refer to.
TYPES = sorted(
    {
        *KINDS,
        *(name for _, name in SETS),
        "appRoleAssignment",
        "directoryObject",
        "federatedIdentityCredential",
        "orgContact",
    }
)


def generate_schema(metadata: dict[str, Any]) -> dict[str, Any]:
    """
    The declared properties of each type with their EDM types, base types' first.

    With the complex types they are made of, the members of enumerations, and
    each type's navigation properties.
    """
    types = {name: _declared(metadata, name) for name in TYPES}
    used = _reach(metadata, types)
    return {
        "source": {
            "repository": "https://github.com/microsoftgraph/msgraph-metadata",
            "file": "schemas/v1.0-Prod.csdl",
            "date": "2026-08-20",
            "licence": "MIT, Copyright (c) Microsoft",
            "written_by": "tools/generate_schema.py",
        },
        "types": types,
        "complex": {name: _declared(metadata, name) for name in used["ComplexType"]},
        "enumerations": {name: metadata[name]["members"] for name in used["EnumType"]},
        "navigation": {name: dict(metadata[name]["navigation"]) for name in TYPES},
    }


def render(table: dict[str, Any]) -> str:
    """The table as JSON: one line for each entry, so that a change reads as a change."""
    parts = []
    for key, value in table.items():
        lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
        parts.append(f" {json.dumps(key)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def generate(source: Path = SOURCE) -> dict[str, str]:
    """Every data file's name with the text it must have."""
    metadata = json.loads((source / "graph-metadata" / "v1.0-directory-types.json").read_text())
    return {
        "schema.json": render(generate_schema(metadata)),
    }


def _declared(metadata: dict[str, Any], name: str | None) -> dict[str, str]:
    if name is None:
        return {}
    entry = metadata[name]
    base = entry.get("base")
    declared = _declared(metadata, base.removeprefix("graph.") if base else None)
    return declared | {p: facts["type"] for p, facts in entry["properties"].items()}


def _reach(metadata: dict[str, Any], types: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    """The complex types and enumerations in these types' properties, by kind, sorted."""
    found: dict[str, list[str]] = {"ComplexType": [], "EnumType": []}
    waiting = [edm for declared in types.values() for edm in declared.values()]
    while waiting:
        name = waiting.pop().removeprefix("Collection(").removesuffix(")").split(".")[-1]
        kind = metadata.get(name, {}).get("kind")
        if kind not in found or name in found[kind]:
            continue
        found[kind].append(name)
        if kind == "ComplexType":
            waiting += _declared(metadata, name).values()
    return {kind: sorted(names) for kind, names in found.items()}


def main() -> None:
    """Write the files and say which."""
    for name, text in generate(Path(sys.argv[1]) if sys.argv[1:] else SOURCE).items():
        (TARGET / name).write_text(text, "utf-8")
        print(f"{TARGET / name}: {len(text)} characters")


if __name__ == "__main__":
    main()
