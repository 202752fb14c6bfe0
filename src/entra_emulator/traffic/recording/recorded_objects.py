"""The objects and links that a recording shows, and the applications that called."""

import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from entra_emulator.content.export_files import fits_type
from entra_emulator.graph.router import ResolvedPath
from entra_emulator.graph.routes import ROUTER
from entra_emulator.model import schema
from entra_emulator.model.kinds import BY_COLLECTION, KINDS
from entra_emulator.model.records import Record
from entra_emulator.web.exchange import Exchange

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Relations whose answers tell of links, by their path segments: the relation, and whether the
# object in the path is the one that is linked to.
_RELATIONS = {
    "members": ("members", False),
    "owners": ("owners", False),
    "manager": ("manager", False),
    "registeredOwners": ("registeredOwners", False),
    "registeredUsers": ("registeredUsers", False),
    "memberOf": ("members", True),
    "directReports": ("manager", True),
}
_HOLDERS = {
    "members": ("group", "administrativeUnit", "directoryRole"),
    "owners": ("group", "application", "servicePrincipal"),
    "manager": ("user",),
    "registeredOwners": ("device",),
    "registeredUsers": ("device",),
}
_TYPE = "#microsoft.graph."


class RecordedApp(NamedTuple):
    """An application that called: its IDs, and the roles in its tokens."""

    app_id: str
    principal_id: str
    roles: tuple[str, ...]


class RecordedObjects:
    """
    What a recording shows of a directory.

    Attributes:
        objects: every object that was answered, by its ID, with all properties that any answer had.
        links: the IDs that an object is linked to, by its ID and the relation.
        tenant_id: of the callers' tokens; empty without any.
        apps: the applications that called, by their application IDs.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Record] = {}
        self.links: dict[tuple[str, str], dict[str, None]] = {}
        self.tenant_id = ""
        self.apps: dict[str, RecordedApp] = {}
        self._kinds: dict[str, str] = {}

    def note(self, exchange: Exchange) -> None:
        """Take what an exchange shows."""
        self._note_caller(exchange.caller)
        for url, answer in _list_answers(exchange):
            resolved = ROUTER.resolve(urlsplit(url).path)
            if resolved is not None and resolved.unknown is None:
                self._note_answer(resolved, answer)

    def list_lines(self) -> Iterator[Record]:
        """The objects, as the lines of an export have them."""
        self._add_apps()
        domain = self._find_domain()
        for object_id, record in list(self.objects.items()):
            kind = self._kinds[object_id]
            line = _complete(kind, object_id, record, domain)
            if line is not None:
                links = {
                    relation: [{"id": target} for target in targets if target in self.objects]
                    for (source, relation), targets in self.links.items()
                    if source == object_id and kind in _HOLDERS[relation]
                }
                manager = links.pop("manager", [])
                yield line | links | ({"manager": manager[-1]} if manager else {})

    def _note_caller(self, claims: Any) -> None:
        app_id = str(claims.get("appid") or claims.get("azp") or "").lower()
        if not _GUID.fullmatch(app_id):
            return
        tenant_id = str(claims.get("tid", "")).lower()
        if not self.tenant_id and _GUID.fullmatch(tenant_id):
            self.tenant_id = tenant_id
        known = self.apps.get(app_id, RecordedApp(app_id, "", ()))
        if "scp" in claims:
            self.apps[app_id] = known
            return
        principal_id = str(claims.get("oid", "")).lower()
        roles = claims.get("roles")
        roles = tuple(map(str, roles)) if isinstance(roles, list) else ()
        self.apps[app_id] = RecordedApp(
            app_id,
            principal_id if _GUID.fullmatch(principal_id) else known.principal_id,
            tuple(dict.fromkeys((*known.roles, *roles))),
        )

    def _note_answer(self, resolved: ResolvedPath, answer: Record) -> None:
        collection, *rest = resolved.path.split("/")[2:]
        if collection == "directory" and rest:
            collection, *rest = rest
        kind = _find_kind(collection)
        page = answer.get("value")
        items = page if isinstance(page, list) else [answer]
        relation = rest[1] if len(rest) > 1 else ""
        if not rest or len(rest) == 1:
            for item in items:
                self._note_object(item, kind)
            return
        cast = rest[2].removeprefix("microsoft.graph.") if len(rest) > 2 else ""
        default = "user" if relation in {"manager", "directReports"} else cast
        targets = [one for one in (self._note_object(item, default) for item in items) if one]
        source = self._find_id(rest[0])
        if relation in _RELATIONS and source and kind:
            name, reverse = _RELATIONS[relation]
            if not reverse:
                self._kinds.setdefault(source, kind)
                self.objects.setdefault(source, {})
            for target in targets:
                ends = (target, source) if reverse else (source, target)
                self.links.setdefault((ends[0], name), {})[ends[1]] = None

    def _note_object(self, item: Any, assumed: str) -> str:
        """Take an object; its ID, or an empty text for what is none, or is gone."""
        if not isinstance(item, dict) or "@removed" in item:
            return ""
        object_id = str(item.get("id", "")).lower()
        kind = str(item.get("@odata.type", "")).removeprefix(_TYPE) or assumed
        if not _GUID.fullmatch(object_id) or kind not in {*KINDS, "organization"}:
            return ""
        self._kinds.setdefault(object_id, kind)
        record = self.objects.setdefault(object_id, {})
        for name, value in item.items():
            bare = name.removesuffix("@delta")
            if bare in _RELATIONS and isinstance(value, list | dict):
                self._note_expanded(object_id, bare, value)
            elif value is not None and "@" not in name and name != "id":
                record[name] = value
        return object_id

    def _note_expanded(self, object_id: str, relation: str, value: Any) -> None:
        name, reverse = _RELATIONS[relation]
        for item in value if isinstance(value, list) else [value]:
            target = self._note_object(item, "user" if name == "manager" else "")
            if target:
                ends = (target, object_id) if reverse else (object_id, target)
                self.links.setdefault((ends[0], name), {})[ends[1]] = None

    def _find_id(self, key: str) -> str:
        """The ID of the object that a key in a path means."""
        folded = key.lower()
        if _GUID.fullmatch(folded):
            return folded
        return next(
            (
                object_id
                for object_id, record in self.objects.items()
                if str(record.get("userPrincipalName", "")).lower() == folded
            ),
            "",
        )

    def _add_apps(self) -> None:
        """Make sure that every application that called is there, with its service principal."""
        shown = {
            (self._kinds[object_id], str(record.get("appId", "")).lower())
            for object_id, record in self.objects.items()
        }
        for app in self.apps.values():
            made = {"appId": app.app_id, "displayName": "Recorded program"}
            if ("application", app.app_id) not in shown:
                self._add(str(uuid.uuid5(uuid.NAMESPACE_OID, app.app_id)), "application", made)
            if ("servicePrincipal", app.app_id) not in shown:
                own = app.principal_id or str(uuid.uuid5(uuid.NAMESPACE_DNS, app.app_id))
                self._add(own, "servicePrincipal", made | {"servicePrincipalNames": [app.app_id]})
        if self.tenant_id and "organization" not in self._kinds.values():
            self._add(self.tenant_id, "organization", {})

    def _add(self, object_id: str, kind: str, record: Record) -> None:
        self._kinds[object_id] = kind
        self.objects[object_id] = record | self.objects.get(object_id, {})

    def _find_domain(self) -> str:
        names = [str(record.get("userPrincipalName", "")) for record in self.objects.values()]
        return next((name.rpartition("@")[2] for name in names if "@" in name), "contoso.com")


def read_objects(exchanges: Iterable[Exchange]) -> RecordedObjects:
    """What these exchanges show of a directory, in their order."""
    recorded = RecordedObjects()
    for exchange in exchanges:
        recorded.note(exchange)
    return recorded


def _list_answers(exchange: Exchange) -> Iterator[tuple[str, Record]]:
    """The JSON objects that were answered to reading requests, within batches too."""
    answer = _read_object(exchange.response_body)
    if exchange.status != 200:
        return
    if exchange.method == "GET":
        yield exchange.url, answer
        return
    sent = _read_object(exchange.request_body).get("requests")
    answered = answer.get("responses")
    if not isinstance(sent, list) or not isinstance(answered, list):
        return
    base = exchange.url.rpartition("/")[0]
    urls = {
        str(one.get("id")): str(one.get("url", ""))
        for one in sent
        if isinstance(one, dict) and str(one.get("method", "GET")).upper() == "GET"
    }
    for one in answered:
        if not isinstance(one, dict) or one.get("status") != 200:
            continue
        body, url = one.get("body"), urls.get(str(one.get("id")))
        if isinstance(body, dict) and url:
            yield f"{base}/{url.lstrip('/')}", body


def _read_object(body: bytes) -> Record:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _find_kind(collection: str) -> str:
    if collection == "organization":
        return collection
    kind = BY_COLLECTION.get(collection)
    return kind.name if kind else ""


def _complete(kind: str, object_id: str, record: Record, domain: str) -> Record | None:
    """A line of an export; None if the object lacks what nobody can make up."""
    declared = schema.declared(kind)
    line: Record = {"@odata.type": f"{_TYPE}{kind}", "id": object_id}
    for name, value in record.items():
        edm = declared.get(name, "any")
        if schema.enumerated(edm.removeprefix("microsoft.graph.")):
            edm = "Edm.String"
        if name not in schema.navigation(kind) and fits_type(edm, value):
            line[name] = value
    if kind == "user" and "@" not in str(line.get("userPrincipalName", "")):
        line["userPrincipalName"] = f"{object_id[:8]}@{domain}"
    if kind in {"user", "group"} and not line.get("displayName"):
        line["displayName"] = object_id[:8]
    if kind in {"application", "servicePrincipal"} and not line.get("appId"):
        return None
    return None if kind == "directoryRole" and not line.get("roleTemplateId") else line
