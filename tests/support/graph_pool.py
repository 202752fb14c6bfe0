"""What there is in a tenant, as far as answers told, for later requests to name."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass, field
from typing import Any

from entra_emulator.graph.router import Endpoint
from entra_emulator.model.kinds import BY_COLLECTION

Draw = random.Random

NOBODY = "00000000-0000-4000-8000-000000000000"
_NAMED = re.compile(r"\{\w+\}")
# The collections whose objects other requests name by a key, and the name of that key.
_KEYS = {
    "policies/appManagementPolicies": "policy",
    "roleManagement/directory/roleDefinitions": "role",
    "roleManagement/directory/roleAssignments": "roleAssignment",
    "oauth2PermissionGrants": "grant",
    "domains": "domain",
}
_LOGS = {"/auditLogs/signIns": "signIn", "/auditLogs/directoryAudits": "directoryAudit"}


@dataclass
class Pool:
    """
    What the requests may name.

    Args:
        ids: the IDs of the objects of each type.
        keys: other things, by their name in a path: grants, assignments, user principal names.
        links: next links and delta links of earlier answers.
        parts: what is below an object, with the key of that object, by the template of the path.
        deleted: the IDs in the recycle bin, by type.
    """

    ids: dict[str, list[str]]
    keys: dict[str, list[str]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    parts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    deleted: dict[str, list[str]] = field(default_factory=dict)

    def draw(self, draw: Draw, kind: str) -> str:
        """The ID of an object of this type."""
        return draw.choice(self.ids.get(kind) or [NOBODY])

    def draw_any(self, draw: Draw) -> str:
        """The ID of an object of any type that has objects."""
        kinds = [kind for kind, ids in self.ids.items() if ids]
        return self.draw(draw, draw.choice(kinds)) if kinds else NOBODY

    def draw_key(self, draw: Draw, name: str) -> str:
        """Another thing of this name."""
        return draw.choice(self.keys.get(name) or [NOBODY])

    def draw_deleted(self, draw: Draw, kind: str | None) -> str:
        """The ID of a deleted object of this type, or of any."""
        lists = [ids for name, ids in self.deleted.items() if ids and kind in {None, name}]
        return draw.choice(draw.choice(lists)) if lists else NOBODY

    def draw_part(self, draw: Draw, path: str) -> tuple[str, str] | None:
        """An object and what is below it, at a path template; None if nothing is there."""
        parts = self.parts.get(_shorten(path))
        return draw.choice(parts) if parts else None

    def note(
        self, endpoint: Endpoint, arguments: dict[str, Any], status: int, content: Any
    ) -> None:
        """Learn from the answer to a request what there is, and which links lead on."""
        content = content if isinstance(content, dict) else {}
        new = content.get("id")
        if status == 201 and isinstance(new, str):
            self._note_new(endpoint.path, new, content)
        if status in {200, 201, 204}:
            self._note_part(endpoint, arguments, content)
        log = _LOGS.get(endpoint.path)
        if status == 200 and log and isinstance(content.get("value"), list):
            entries = self.keys.setdefault(log, [])
            entries += [one["id"] for one in content["value"] if "id" in one]
        for name in ("@odata.nextLink", "@odata.deltaLink"):
            if name in content:
                self.links = [*self.links[-20:], content[name]]

    def _note_new(self, path: str, new: str, content: dict[str, Any]) -> None:
        kind = find_kind(path)
        if kind and path.count("/") <= 2:
            self.ids.setdefault(kind, []).append(new)
        if "Unified" in content.get("groupTypes", []):
            self.keys.setdefault("unified", []).append(new)
        if path == "/servicePrincipals":
            self.keys.setdefault("enterprise", []).append(new)
        if path == "/applications" and "appId" in content:
            self.keys.setdefault("bare", []).append(content["appId"])
        if path[1:] in _KEYS:
            # Many times, since built-in roles, which nobody can change, are many too.
            self.keys.setdefault(_KEYS[path[1:]], []).extend([new] * 20)

    def _note_part(
        self, endpoint: Endpoint, arguments: dict[str, Any], content: dict[str, Any]
    ) -> None:
        """Learn what is below an object, or that it or its part is gone."""
        written = "/".join(
            "([^/]+)" if _NAMED.fullmatch(one) else re.escape(one)
            for one in endpoint.path.split("/")
        )
        path = re.search(f"{written}$", arguments["path"].decode("utf-8", "replace"))
        if not path or arguments["method"] != endpoint.method:
            return
        keys = path.groups()
        if endpoint.method == "DELETE" and keys:
            self._forget(endpoint.path, keys[-1])
        elif endpoint.path.endswith("/restore") and "id" in content:
            self._restore(content["id"])
        elif endpoint.method == "POST" and len(keys) == 1:
            part = content.get("keyId") or content.get("id") or _read_target(arguments["body"])
            if part:
                template = _shorten(endpoint.path.removesuffix("/$ref"))
                self.parts.setdefault(template, []).append((keys[0], part))

    def _forget(self, path: str, gone: str) -> None:
        """Name no more what was deleted; an object can be restored for a while."""
        kind = find_kind(path)
        # Of groups, the recycle bin takes those of Microsoft 365 alone; it takes no device.
        kept = kind != "device" and (kind != "group" or gone in self.keys.get("unified", []))
        if path.endswith("{key}") and kind and kept and gone in self.ids.get(kind, []):
            self.deleted.setdefault(kind, []).append(gone)
        elif path.startswith("/directory/deletedItems"):
            self._restore(gone, again=False)
        template = _shorten(path.removesuffix("/$ref").rpartition("/")[0])
        below = path.count("{") > 1
        if below:
            self.parts[template] = [one for one in self.parts.get(template, []) if one[1] != gone]
            return
        for rows in (*self.ids.values(), *self.keys.values()):
            rows[:] = [one for one in rows if one != gone]
        for parts in self.parts.values():
            parts[:] = [one for one in parts if gone not in one]

    def _restore(self, key: str, *, again: bool = True) -> None:
        """Take an object out of the recycle bin, into its collection or for good."""
        for kind, ids in self.deleted.items():
            if key in ids:
                ids.remove(key)
                if again:
                    self.ids.setdefault(kind, []).append(key)


def find_kind(path: str) -> str | None:
    """The type of the collection that a path template begins with."""
    first = path.replace("/directory/", "/", 1).split("/")[1]
    return BY_COLLECTION[first].name if first in BY_COLLECTION else None


def _shorten(path: str) -> str:
    """The template without what may stand before administrative units."""
    return path.removeprefix("/directory")


def _read_target(body: bytes) -> str | None:
    """The ID at the end of a reference."""
    try:
        content = json.loads(body)
    except ValueError:
        return None
    address = content.get("@odata.id") if isinstance(content, dict) else None
    return address.rpartition("/")[2] if isinstance(address, str) else None
