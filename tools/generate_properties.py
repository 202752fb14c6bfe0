"""Write the client's tables of properties and their types anew from Microsoft's published metadata.

    python tools/generate_properties.py [FOLDER]

FOLDER holds `graph-metadata/`; by default it is `../shared/data`, next to the checkout. The table
has the types of the collections that a database can keep, for each property what a column with its
values holds, and what leads to other objects; a second table has what is within the properties.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data"
TARGET = ROOT / "src/graphdaemon/graph/data/properties.json"
NESTED_TARGET = TARGET.with_name("property_types.json")

# Every other simple type is written as a text: a GUID, a moment, a duration.
_NUMBERS = {
    **dict.fromkeys(("Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.Byte"), "integer"),
    **dict.fromkeys(("Edm.Double", "Edm.Single", "Edm.Decimal"), "real"),
    "Edm.Boolean": "boolean",
}


def generate(source: Path = SOURCE) -> str:
    """The text that the table of columns must have."""
    return _write_table(source, _list_kinds, relations=True)


def generate_nested(source: Path = SOURCE) -> str:
    """The text that the table of what is within the properties must have."""
    return _write_table(source, _list_types)


def _write_table(
    source: Path,
    describe: Callable[[dict[str, Any], str], dict[str, Any]],
    *,
    relations: bool = False,
) -> str:
    metadata = json.loads((source / "graph-metadata" / "v1.0-directory-types.json").read_text())
    types = sorted({row.type for row in STORED_COLLECTIONS.values() if row.type})
    provenance = {
        "repository": "https://github.com/microsoftgraph/msgraph-metadata",
        "file": "schemas/v1.0-Prod.csdl",
        "date": "2026-08-20",
        "licence": "MIT, Copyright (c) Microsoft",
        "written_by": "tools/generate_properties.py",
    }
    tables: dict[str, dict[str, Any]] = {
        "types": {name: describe(metadata, name) for name in types}
    }
    if relations:
        tables["relations"] = {name: _list_relations(metadata, name) for name in types}
    parts = [f' "source": {json.dumps(provenance)}']
    for title, rows in tables.items():
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
        parts.append(f' "{title}": {{\n{lines}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _list_relations(metadata: dict[str, Any], name: str) -> list[str]:
    entry = metadata[name]
    base = entry["base"]
    inherited = _list_relations(metadata, base.removeprefix("graph.")) if base else []
    return sorted({*inherited, *entry["navigation"]})


def _list_kinds(metadata: dict[str, Any], name: str) -> dict[str, str]:
    entry = metadata[name]
    base = entry["base"]
    inherited = _list_kinds(metadata, base.removeprefix("graph.")) if base else {}
    own = {
        name: _kind_of(metadata, facts["type"])
        for name, facts in entry["properties"].items()
        # A file, such as a logo, is no part of an object's JSON.
        if facts["type"] != "Edm.Stream"
    }
    return inherited | own


def _kind_of(metadata: dict[str, Any], edm: str) -> str:
    if edm.startswith("Collection("):
        return "list"
    if edm.startswith("Edm."):
        return _NUMBERS.get(edm, "text")
    is_enumeration = metadata[edm.rpartition(".")[2]]["kind"] == "EnumType"
    return "text" if is_enumeration else "json"


def _list_types(metadata: dict[str, Any], name: str) -> dict[str, Any]:
    entry = metadata[name]
    base = entry["base"]
    inherited = _list_types(metadata, base.removeprefix("graph.")) if base else {}
    own = {
        name: _type_of(metadata, facts["type"], ())
        for name, facts in entry["properties"].items()
        if facts["type"] != "Edm.Stream"
    }
    return inherited | own


def _type_of(metadata: dict[str, Any], edm: str, within: tuple[str, ...]) -> Any:
    """A word, a list of one type, or the types of an object's properties; any, if it is open."""
    if edm.startswith("Collection("):
        return [_type_of(metadata, edm[len("Collection(") : -1], within)]
    if edm.startswith("Edm."):
        return "time" if edm == "Edm.DateTimeOffset" else _NUMBERS.get(edm, "text")
    name = edm.rpartition(".")[2]
    entry = metadata.get(name)
    # What contains itself, has properties of anybody's choice, or is not described.
    if entry is None or name in within or entry.get("open"):
        return "any"
    if entry["kind"] == "EnumType":
        return "text"
    base = entry["base"]
    inherited = _type_of(metadata, base, (*within, name)) if base else {}
    own = {
        property_: _type_of(metadata, facts["type"], (*within, name))
        for property_, facts in entry["properties"].items()
    }
    return (inherited if isinstance(inherited, dict) else {}) | own or "any"


def main() -> None:
    """Write the tables and say where."""
    source = Path(sys.argv[1]) if sys.argv[1:] else SOURCE
    for target, text in ((TARGET, generate(source)), (NESTED_TARGET, generate_nested(source))):
        target.write_text(text, "utf-8")
        print(f"{target}: {len(text)} characters")


if __name__ == "__main__":
    main()
