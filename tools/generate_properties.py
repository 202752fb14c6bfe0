"""Write the client's table of properties and their types anew from Microsoft's published metadata.

    python tools/generate_properties.py [FOLDER]

FOLDER holds `graph-metadata/`; by default it is `../shared/data`, next to the checkout. The table
has the types of the collections that a database can keep, and for each property what a column with
its values holds.
"""

import json
import sys
from pathlib import Path
from typing import Any

from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data"
TARGET = ROOT / "src/graphdaemon/graph/data/properties.json"

# Every other simple type is written as a text: a GUID, a moment, a duration.
_NUMBERS = {
    **dict.fromkeys(("Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.Byte"), "integer"),
    **dict.fromkeys(("Edm.Double", "Edm.Single", "Edm.Decimal"), "real"),
    "Edm.Boolean": "boolean",
}


def generate(source: Path = SOURCE) -> str:
    """The text that the table must have."""
    metadata = json.loads((source / "graph-metadata" / "v1.0-directory-types.json").read_text())
    types = sorted({row.type for row in STORED_COLLECTIONS.values() if row.type})
    provenance = {
        "repository": "https://github.com/microsoftgraph/msgraph-metadata",
        "file": "schemas/v1.0-Prod.csdl",
        "date": "2026-08-20",
        "licence": "MIT, Copyright (c) Microsoft",
        "written_by": "tools/generate_properties.py",
    }
    lines = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(_list_kinds(metadata, name))}" for name in types
    )
    return f'{{\n "source": {json.dumps(provenance)},\n "types": {{\n{lines}\n }}\n}}\n'


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


def main() -> None:
    """Write the table and say where."""
    text = generate(Path(sys.argv[1]) if sys.argv[1:] else SOURCE)
    TARGET.write_text(text, "utf-8")
    print(f"{TARGET}: {len(text)} characters")


if __name__ == "__main__":
    main()
