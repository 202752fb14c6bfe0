"""Write the privilege levels of Graph's permissions anew from Microsoft's published table.

    python -m tools.generate_privileges [FOLDER]

FOLDER holds `permissions.json`; by default it is `../shared/data/graph-permissions`, next to the
checkout.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tools.published_permissions import PROVENANCE

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data" / "graph-permissions"
TARGET = ROOT / "src/graphdaemon/client/reports/data/privileges.json"

_SCHEMES = {"application": "Application", "delegated": "DelegatedWork"}


def generate(table: dict[str, Any]) -> str:
    """Return the levels as JSON: for each kind the names of each level, the highest first."""
    source = PROVENANCE | {
        "files": "permissions/new/permissions.json",
        "written_by": "tools/generate_privileges.py",
    }
    parts = [f' "source": {json.dumps(source)}']
    for kind, scheme in _SCHEMES.items():
        levels: dict[int, list[str]] = {}
        for name, permission in sorted(table["permissions"].items()):
            level = permission["schemes"].get(scheme, {}).get("privilegeLevel")
            if level is not None:
                levels.setdefault(int(level), []).append(name)
        rows = ",\n".join(
            f'  "{level}": {json.dumps(names)}'
            for level, names in sorted(levels.items(), reverse=True)
        )
        parts.append(f' "{kind}": {{\n{rows}\n }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SOURCE
    table = json.loads((folder / "permissions.json").read_text(encoding="utf-8"))
    text = generate(table)
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET}: {len(text)} characters")


if __name__ == "__main__":
    main()
