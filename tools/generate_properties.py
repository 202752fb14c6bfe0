"""Write the client's tables of properties and their types anew from Microsoft's published metadata.

    python tools/generate_properties.py [FOLDER]

FOLDER holds `graph-metadata/`; by default it is `../shared/data`, next to the checkout. The table
has the types of the collections that a database can keep, for each property what a column with its
values holds, and what leads to other objects. A second table has every type of object that the
metadata describes, with what is within its properties, the sets at which such objects are read, and
the relations by which a path goes on from one type to another.
"""

import json
import sys
from collections.abc import Collection
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
    metadata = _read(source)
    types = sorted({row.type for row in STORED_COLLECTIONS.values() if row.type})
    return _write_tables(
        {
            "types": {name: _list_kinds(metadata, name) for name in types},
            "relations": {name: _list_relations(metadata, name) for name in types},
        }
    )


def generate_nested(source: Path = SOURCE) -> str:
    """The text that the table of what is within the properties must have."""
    metadata = _read(source)
    types = {name: _list_types(metadata, name) for name in _list_entities(metadata)}
    types["directoryObject"] = _unite(metadata, types)
    paths = {name: _list_paths(metadata, name, types.keys()) for name in types}
    return _write_tables(
        {
            "types": types,
            "sets": {name.casefold(): kind for name, kind in _SETS.items()},
            "paths": {name: row for name, row in paths.items() if row},
        }
    )


# Source: the entity sets of Microsoft Graph v1.0, one for each type that the metadata describes.
_SETS = {
    "administrativeUnits": "administrativeUnit",
    "applications": "application",
    "contacts": "orgContact",
    "devices": "device",
    "directoryObjects": "directoryObject",
    "directoryRoles": "directoryRole",
    "domains": "domain",
    "groups": "group",
    "oauth2PermissionGrants": "oAuth2PermissionGrant",
    "organization": "organization",
    "servicePrincipals": "servicePrincipal",
    "subscribedSkus": "subscribedSku",
    "users": "user",
}


def _read(source: Path) -> dict[str, Any]:
    metadata: dict[str, Any] = json.loads(
        (source / "graph-metadata" / "v1.0-directory-types.json").read_text()
    )
    return metadata


def _write_tables(tables: dict[str, dict[str, Any]]) -> str:
    provenance = {
        "repository": "https://github.com/microsoftgraph/msgraph-metadata",
        "file": "schemas/v1.0-Prod.csdl",
        "date": "2026-08-20",
        "licence": "MIT, Copyright (c) Microsoft",
        "written_by": "tools/generate_properties.py",
    }
    parts = [f' "source": {json.dumps(provenance)}']
    for title, rows in tables.items():
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
        parts.append(f' "{title}": {{\n{lines}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _list_entities(metadata: dict[str, Any]) -> list[str]:
    kinds = (name for name, entry in metadata.items() if entry["kind"] == "EntityType")
    return sorted(name for name in kinds if name != "entity")


def _unite(metadata: dict[str, Any], types: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The properties of every type that a list of directory objects may show."""
    united: dict[str, Any] = dict(types["directoryObject"])
    for name, properties in types.items():
        if metadata[name]["base"] == "graph.directoryObject" and name != "appRoleAssignment":
            for property_, kind in properties.items():
                assert united.setdefault(property_, kind) == kind, f"{property_} has two types"
    return united


def _list_paths(metadata: dict[str, Any], name: str, known: Collection[str]) -> dict[str, str]:
    entry = metadata[name]
    base = entry["base"]
    inherited = _list_paths(metadata, base.removeprefix("graph."), known) if base else {}
    own = {
        relation.casefold(): edm.rpartition(".")[2].rstrip(")")
        for relation, edm in entry["navigation"].items()
    }
    return inherited | {relation: kind for relation, kind in own.items() if kind in known}


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
