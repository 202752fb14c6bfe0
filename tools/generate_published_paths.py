"""Write the emulator's tree of the paths that Microsoft Graph has.

    python tools/generate_published_paths.py [FOLDER]

FOLDER holds `graph-permissions/` and `graph-metadata/`; by default it is `../shared/data`, next to
the checkout.

In the tree a segment in small letters holds what may follow it; `{}` is any key. The number is a
set of methods. Neither table tells v1.0 from beta, and neither does the tree.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
SOURCE = ROOT.parent / "shared" / "data"
TARGET = ROOT / "src/entra_emulator/graph/access/data/published_paths.json"

ORIGIN = {
    "paths": "https://github.com/microsoftgraph/microsoft-graph-devx-content "
    "permissions/new/permissions.json of 2026-08-07",
    "properties": "https://github.com/microsoftgraph/msgraph-metadata "
    "schemas/v1.0-Prod.csdl of 2026-08-20",
    "licence": "MIT, Copyright (c) Microsoft",
    "written_by": "tools/generate_published_paths.py",
}

# Whose permissions depend on what the request is about, so that the list leaves them out
# ("subscription resource type").
PAGES = {
    "/subscriptions": "GET POST",
    "/subscriptions/{id}": "DELETE GET PATCH",
    "/subscriptions/{id}/reauthorize": "POST",
}

# The sets of objects whose properties are known, by their types. What is below /me is below a user.
SETS = {
    "administrativeunits": "administrativeUnit",
    "applications": "application",
    "applications/{}/federatedidentitycredentials": "federatedIdentityCredential",
    "contacts": "orgContact",
    "devices": "device",
    "directoryobjects": "directoryObject",
    "directoryroles": "directoryRole",
    "domains": "domain",
    "groups": "group",
    "oauth2permissiongrants": "oAuth2PermissionGrant",
    "organization": "organization",
    "serviceprincipals": "servicePrincipal",
    "subscribedskus": "subscribedSku",
    "users": "user",
}

# A type of "Microsoft Entra Agent ID APIs in Microsoft Graph" that neither table has.
LATER_TYPES = {"agentuser"}

_CALLED = re.compile(r"([a-z0-9.]+)\((.+)\)")
_NAMESPACE = "microsoft.graph."


class PublishedCall(NamedTuple):
    """A method, and the path as its segments, keys as `{}`."""

    method: str
    segments: tuple[str, ...]


def list_calls(permissions: dict[str, Any]) -> list[PublishedCall]:
    """Every call of the published list, once, in order."""
    calls = {
        PublishedCall(method, tuple(split_path(path)))
        for permission in permissions.values()
        for part in permission["pathSets"]
        for path in part["paths"]
        for method in part["methods"]
    }
    return sorted(calls)


def split_path(path: str) -> Iterator[str]:
    """The segments of a published path, as the router splits those of a request."""
    for segment in path.lower().partition("?")[0].split("/"):
        if not segment:
            continue
        called = _CALLED.fullmatch(segment.replace(" ", ""))
        for part in (called[1], "{}") if called else (segment,):
            key = "{}:" if part.endswith(":") else "{}"
            yield key if "{" in part else re.sub(r"^graph\.", _NAMESPACE, part)
        if segment.endswith(":"):
            return  # behind a colon stands the path of a file, of any length


def generate(source: Path = SOURCE) -> str:
    """The text that the data file must have."""
    text = (source / "graph-permissions" / "permissions.json").read_text("utf-8")
    metadata = json.loads((source / "graph-metadata" / "v1.0-directory-types.json").read_text())
    methods: dict[tuple[str, ...], set[str]] = {}
    for method, segments in list_calls(json.loads(text)["permissions"]):
        # Which methods there are is not known of what stands behind a colon.
        known = set[str]() if segments[-1].endswith(":") else {method}
        methods.setdefault(segments, set()).update(known)
    for path, line in PAGES.items():
        methods[tuple(split_path(path))] = set(line.split())
    for segments in _list_properties(metadata):
        if segments[-1] == "{}" and methods.get(segments) == {"DELETE"}:
            # The list leaves out `/$ref`: what can be removed alone has no address of its own.
            methods[*segments, "$ref"] = methods.pop(segments)
        elif (*segments, "$ref") not in methods:
            those = methods.setdefault(segments, set())
            # A property that can be written can be read: of a logo only the first is in the list.
            if those and segments[-1] != "{}":
                those.add("GET")
    sets = sorted({" ".join(sorted(those)) for those in methods.values()} | {""})
    tree: dict[str, Any] = {}
    for segments, those in sorted(methods.items()):
        node = tree
        for segment in segments:
            node = node.setdefault(segment, {})
        node[""] = sets.index(" ".join(sorted(those)))
    types = {segment for path in methods for segment in path if segment.startswith(_NAMESPACE)}
    names = {name.lower() for name, facts in metadata.items() if facts["kind"] == "EntityType"}
    names |= {name.removeprefix(_NAMESPACE) for name in types} | LATER_TYPES
    return _render(sets, sorted(names), tree)


def _list_properties(metadata: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """The paths of the declared properties of objects; no list tells their methods."""
    for path, kind in SETS.items():
        name = path.split("/")
        declared: str | None = kind
        while declared is not None:
            facts = metadata[declared]
            for word in (*facts["properties"], *facts.get("navigation", {})):
                yield *name, "{}", word.lower()
                if facts.get("navigation", {}).get(word, "").startswith("Collection("):
                    yield *name, "{}", word.lower(), "{}"
            base = facts.get("base")
            declared = base.removeprefix("graph.") if base else None


def _render(sets: list[str], types: list[str], tree: dict[str, Any]) -> str:
    """The table as JSON: a line for each path, so that a change reads as a change."""
    head = {"source": ORIGIN, "methods": sets, "types": types}
    parts = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    return "{\n" + ",\n".join([*parts, f'"tree": {_draw(tree)}']) + "\n}\n"


def _draw(node: dict[str, Any]) -> str:
    """A node: the number of its methods if nothing follows it."""
    if node.keys() == {""}:
        return str(node[""])
    rows = [
        f"{json.dumps(name)}:{below if isinstance(below, int) else _draw(below)}"
        for name, below in node.items()
    ]
    return "{" + ",\n".join(rows) + "}"


def main() -> None:
    """Write the file and say so."""
    text = generate(Path(sys.argv[1]) if sys.argv[1:] else SOURCE)
    TARGET.write_text(text, "utf-8")
    print(f"{TARGET}: {len(text)} characters")


if __name__ == "__main__":
    main()
