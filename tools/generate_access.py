"""Write the emulator's table of which permission each directory route accepts.

    python tools/generate_access.py [FOLDER]

FOLDER holds `graph-permissions/`; by default it is `../shared/data`, next to the checkout.

In the table a route has two sets, for applications and for users' clients; a set is a line of
permissions. `*` marks the least privileged ones, and `A+B|C` means A together with B or C.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from entra_emulator.graph.routes import ROUTES

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data"
TARGET = ROOT / "src/entra_emulator/graph/access/data/access.json"

ORIGIN = {
    "repository": "https://github.com/microsoftgraph/microsoft-graph-devx-content",
    "file": "permissions/new/permissions.json",
    "date": "2026-08-07",
    "licence": "MIT, Copyright (c) Microsoft",
    "written_by": "tools/generate_access.py",
}

SCHEMES = ("Application", "DelegatedWork")

# What the paths begin with that are served.
SETS = frozenset(route.path.lower().split("/")[1] for route in ROUTES)

# What else may stand in the path of a directory.
SEGMENTS = SETS | frozenset(
    "addkey addpassword addtokensigningcertificate appliesto appmanagementpolicies "
    "approleassignedto approleassignments defaultappmanagementpolicy "
    "assignlicense checkmembergroups checkmemberobjects createdobjects deleteditems delta "
    "directoryaudits directreports domainnamereferences extensionproperties "
    "federatedidentitycredentials "
    "getbyids getmembergroups getmemberobjects getuserownedobjects licensedetails manager "
    "memberof members owneddevices ownedobjects owners permanentdelete registereddevices "
    "registeredowners registeredusers removekey removepassword reprocesslicenseassignment restore "
    "revokesigninsessions roleassignments roledefinitions "
    "scopedmembers scopedrolememberof scopedrolemembers serviceconfigurationrecords "
    "signins transitivememberof transitivemembers transitivereports validateproperties "
    "verificationdnsrecords verify {id}".split()
)

# They reach agent identities and users of other clouds only, who are not in the emulator.
ELSEWHERE = ("Agent", "User.ReadWrite.CrossCloud")

# (path, method, scheme) -> permission -> its attributes, e.g. `least=Application`
Rows = dict[tuple[str, str, str], dict[str, str]]


def read_rows(permissions: dict[str, Any]) -> Rows:
    """The published rows of the directory's paths; alternate keys repeat those of `{id}`."""
    rows: Rows = {}
    for name, permission in permissions.items():
        for part in permission["pathSets"] if not name.startswith(ELSEWHERE) else ():
            for path, attributes in part["paths"].items():
                template = re.sub(r"\{[^}]*\}+", "{id}", path.lower())
                first, *rest = template.strip("/").split("/")
                if first not in SETS or not SEGMENTS.issuperset(rest):
                    continue
                for method in part["methods"]:
                    for scheme in set(part["schemeKeys"]).intersection(SCHEMES):
                        rows.setdefault((template, method, scheme), {})[name] = attributes
    return rows


def write_set(row: dict[str, str], scheme: str) -> str:
    """One set as a line."""
    details = {
        name: dict(part.split("=") for part in text.split(";") if part)
        for name, text in row.items()
    }
    # "A and B" of the documentation is published as A with B, and as B alone besides.
    companions = {b for d in details.values() for b in d.get("AlsoRequires", "").split(",") if b}
    words = []
    for name, attributes in sorted(details.items()):
        also = attributes.get("AlsoRequires", "").replace(",", "|")
        if name in companions and not also:
            continue
        least = "*" if scheme in attributes.get("least", "").split(",") else ""
        words.append(name + least + (f"+{also}" if also else ""))
    return " ".join(words)


def generate(source: Path = SOURCE) -> str:
    """The text that the data file must have."""
    text = (source / "graph-permissions" / "permissions.json").read_text("utf-8")
    rows = read_rows(json.loads(text)["permissions"])
    lines = {key: write_set(row, key[2]) for key, row in rows.items()}
    sets = sorted({"", *lines.values()})
    routes = {
        f"{method} {path}": [sets.index(lines.get((path, method, s), "")) for s in SCHEMES]
        for path, method in sorted({key[:2] for key in rows})
    }
    return _render({"source": ORIGIN, "sets": sets, "routes": routes})


def _render(table: dict[str, Any]) -> str:
    """The table as JSON: one line for each entry, so that a change reads as a change."""
    parts = []
    for key, value in table.items():
        if isinstance(value, list):
            lines = ",\n".join("  " + json.dumps(row) for row in value)
            parts.append(f" {json.dumps(key)}: [\n{lines}\n ]")
        else:
            lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            parts.append(f" {json.dumps(key)}: {{\n{lines}\n }}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write the file and say so."""
    text = generate(Path(sys.argv[1]) if sys.argv[1:] else SOURCE)
    TARGET.write_text(text, "utf-8")
    print(f"{TARGET}: {len(text)} characters")


if __name__ == "__main__":
    main()
