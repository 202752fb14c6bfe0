"""
Recorded interactions with the real Graph, brought about again at the emulator.

A recording tells its own situation: what is read was there, what is changed was there before. The
stage makes it so, sends the request, and compares the answers with what differs from one run to the
next taken out: IDs, times, secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.applications import draft_application, draft_principal
from entra_emulator.model.kinds import BY_COLLECTION, KINDS
from entra_emulator.model.records import Record, Tenant
from tests.support.emulator_probe import Answer, Probe
from tests.support.places import PUBLISHED
from tests.support.redacted_keys import restore_keys
from tests.support.user_flows import AZURE_CLI, NATIVE, Client

FOLDER = PUBLISHED / "recordings"
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?")
ADMIN = "example@example.com"
DOMAINS = ("azuresdkteam.onmicrosoft.com", "example.com", "microsoft.com")

# The transport's own, and what the cassettes leave out or put in again after decompression.
IGNORED_HEADERS = {
    "client-request-id",
    "connection",
    "content-encoding",
    "content-length",
    "transfer-encoding",
    "x-ms-resource-unit",
}

# What the service has added to its answers since some of the recordings were made.
LATER = {
    "certification",
    "defaultRedirectUri",
    "disabledByMicrosoftStatus",
    "serviceManagementReference",
    "signInAudience",
    "samlMetadataUrl",
    "requestSignatureVerification",
    "servicePrincipalLockConfiguration",
    "nativeAuthenticationApisEnabled",
    "uniqueName",
    "isDeviceOnlyAuthSupported",
    "redirectUriSettings",
    "serviceProvisioningErrors",
    "customKeyIdentifier",
    "spa",
}

# Stood among the others until 2022, and last since.
MOVED = {"verifiedPublisher", "resourceSpecificApplicationPermissions", "spa"}

# Values that differ from one run to the next, or that a scrubber has replaced.
FREE = {
    "@odata.nextLink",
    "createdDateTime",
    "customKeyIdentifier",
    "date",
    "endDateTime",
    "hint",
    "publisherDomain",
    "renewedDateTime",
    "secretText",
    "securityIdentifier",
    "startDateTime",
}


class Recording(NamedTuple):
    """One recorded interaction."""

    name: str
    entry: Record

    @property
    def situation(self) -> str:
        """What was asked, without keys and values, and how it was answered."""
        parts = urlsplit(self.entry["url"])
        path = re.sub(r"\('[^/]*'\)", "/{key}", unquote(parts.path))
        path = re.sub(f"{GUID.pattern}|[^/]+@[^/]+|(?<=Credentials/)[^/]+", "{key}", path)
        option = re.match(r"\$\w+", unquote(parts.query))
        asked = f"{self.entry['method']} {path}{'?' + option[0] if option else ''}"
        year = re.search(r"\b20\d\d\b", str(self.entry["response_headers"]))
        return f"{asked} {self.entry['status']} ({year[0] if year else 'undated'})"


def load(name: str) -> list[Recording]:
    """The interactions with Graph in one file, in order."""
    path = FOLDER / name
    if not path.is_file():
        return []
    lines = path.read_text("utf-8").splitlines()
    entries = [(number, json.loads(line)) for number, line in enumerate(lines, 1)]
    return [
        Recording(f"{path.stem}:{number}", entry)
        for number, entry in entries
        if urlsplit(entry["url"]).hostname == "graph.microsoft.com"
    ]


class Stage:
    """A tenant of the emulator's in which recordings are brought about."""

    def __init__(self, probe: Probe, tenant_id: str) -> None:
        self.probe = probe
        directory = probe.emulator.directory
        self.directory = directory
        self.tenant: Tenant = directory.tenants.create("Azure SDK", DOMAINS, tenant_id=tenant_id)
        self.known: dict[str, str] = {}
        self.sent: set[str] = set()  # IDs that the client chose are the same here
        admin = draft_user(ADMIN) | {"displayName": "rolelivetest"}
        self.ensure("user", {"id": "6d97229a-391f-473a-893f-f0608b592d7b"} | admin)
        directory.role_members.assign(self.tenant, ADMIN, "Global Administrator")
        client = Client(probe, self.tenant, AZURE_CLI, NATIVE)
        scope = "https://graph.microsoft.com/.default"
        self.token = client.tokens(ADMIN, scope)["access_token"]

    def play(self, entry: Record) -> list[str]:
        """Bring the situation about and send the request; where the answers differ."""
        arrange(self, entry)
        self.sent |= {found[0] for found in GUID.finditer(json.dumps(entry.get("request_body")))}
        self.sent -= self.known.keys()
        answer = self.send(entry)
        found = list(compare(entry, answer, self))
        if answer.body and answer.status < 300:
            self.learn(entry["response_body"], answer.json())
        return found

    def send(self, entry: Record) -> Answer:
        """The recorded request, with what stands for recorded IDs here."""
        parts = urlsplit(entry["url"])
        target = self.translate(parts._replace(scheme="", netloc="").geturl()).replace(" ", "%20")
        headers = {"Authorization": f"Bearer {self.token}"}
        body = None
        if entry.get("request_body"):
            text = restore_keys(json.dumps(entry["request_body"]))
            body = self.translate(text).encode()
            headers["Content-Type"] = "application/json"
        return self.probe.send(entry["method"], target, headers=headers, body=body)

    def translate(self, text: str) -> str:
        """The text with IDs made here in the place of recorded ones."""
        return GUID.sub(lambda found: self.known.get(found[0], found[0]), text)

    def learn(self, recorded: Any, given: Any) -> None:
        """Note which ID here stands for which recorded one."""
        if isinstance(recorded, dict) and isinstance(given, dict):
            for name in recorded.keys() & given.keys():
                self.learn(recorded[name], given[name])
        elif isinstance(recorded, list) and isinstance(given, list):
            for one, other in zip(recorded, given, strict=False):
                self.learn(one, other)
        elif is_guid(recorded) and is_guid(given) and recorded not in {given, *self.sent}:
            self.known[recorded] = given

    def find(self, key: str, kind: str | None = None) -> StoredObject | None:
        """The object here that stands for a recorded ID."""
        return self.directory.objects.find(self.tenant, self.known.get(key, key), kind=kind)

    def ensure(self, kind: str, record: Record) -> StoredObject:
        """The object, made with the recorded ID when it is not there."""
        found = self.find(record["id"])
        if found is None:
            drafted = draft(kind, record, self.tenant)
            # What was read keeps its own order: it is what the service had.
            whole = record | {n: value for n, value in drafted.items() if n not in record}
            twin = self.directory.objects.find(self.tenant, whole.get("appId", ""), kind=kind)
            if twin is not None:  # Microsoft Graph itself, which every tenant has
                self.directory.recycle_bin.delete(self.tenant, twin, forever=True)
            self.directory.objects.fill(self.tenant, kind, [whole])
            found = self.find(record["id"])
        assert found is not None
        return found


def arrange(stage: Stage, entry: Record) -> None:
    """Make what must have been there before the interaction."""
    segments = split_path(entry["url"])
    body = entry.get("response_body") or {}
    if entry["status"] == 404:
        return
    kind = BY_COLLECTION[segments[0]].name if segments[0] in BY_COLLECTION else None
    owner = None
    if kind and len(segments) > 1 and is_key(segments[1]):
        shown = body if len(segments) == 2 and entry["method"] == "GET" else {}
        owner = ensure_key(stage, kind, segments[1], shown)
    if segments[0] == "directoryObjects" and is_guid(segments[1]) and not stage.find(segments[1]):
        stage.ensure("user", {"id": segments[1]})
    arrange_special(stage, entry, segments, owner)
    if entry["method"] == "GET" and isinstance(body, dict) and isinstance(body.get("value"), list):
        arrange_items(stage, segments, kind, owner, body["value"])


def arrange_items(
    stage: Stage,
    segments: list[str],
    kind: str | None,
    owner: StoredObject | None,
    items: list[Any],
) -> None:
    """The items of a recorded list, linked to whom they belong to."""
    for item in items:
        if not isinstance(item, dict) or not is_guid(item.get("id")):
            continue
        if len(segments) > 2 and "@odata.type" not in item:
            continue
        named = item.get("@odata.type", f"#microsoft.graph.{kind}").rpartition(".")[2]
        if named not in KINDS:
            continue
        record = {name: value for name, value in item.items() if "@" not in name}
        target = stage.ensure(named, record)
        relation = segments[2] if len(segments) > 2 else ""
        if owner and relation in {"members", "owners"}:
            stage.directory.links.add(stage.tenant, relation, owner, target)
        elif owner and relation.lower().endswith("memberof"):
            stage.directory.links.add(stage.tenant, "members", target, owner)


def arrange_special(
    stage: Stage, entry: Record, segments: list[str], owner: StoredObject | None
) -> None:
    """What requests refer to in their bodies, or change."""
    if entry["method"] == "POST" and [one.lower() for one in segments] == ["serviceprincipals"]:
        arrange_application(stage, entry)
    elif segments[-1] == "$ref":
        arrange_reference(stage, entry, segments, owner)
    elif segments[-1] == "getByIds":
        for item in entry["response_body"]["value"]:
            record = {name: value for name, value in item.items() if "@" not in name}
            stage.ensure(item["@odata.type"].rpartition(".")[2], record)
    elif segments[-1] in {"checkMemberGroups", "getMemberGroups"}:
        arrange_memberships(stage, entry, segments)
    elif "federatedIdentityCredentials" in segments and entry["method"] != "POST":
        arrange_federated(stage, entry, segments, owner)
    elif segments[-1] == "removePassword" and owner:
        arrange_password(stage, entry["request_body"]["keyId"], owner)
    elif segments[0] == "directory":
        arrange_deleted(stage, segments[2])


def arrange_application(stage: Stage, entry: Record) -> None:
    app_id = entry["request_body"].get("appId", "")
    if stage.find(app_id, "application") is not None:
        return
    shown = entry["response_body"]
    application = {"id": app_id[:-1] + "e", "appId": app_id}
    if shown.get("appDisplayName"):
        application["displayName"] = shown["appDisplayName"]
    if shown.get("signInAudience"):
        application["signInAudience"] = shown["signInAudience"]
    stage.ensure("application", application)


def arrange_reference(
    stage: Stage, entry: Record, segments: list[str], owner: StoredObject | None
) -> None:
    key = (entry.get("request_body") or {}).get("@odata.id", "").rpartition("/")[2] or segments[3]
    target = stage.find(key) or stage.ensure("user", {"id": key})
    if entry["method"] == "DELETE" and owner:
        stage.directory.links.add(stage.tenant, segments[2], owner, target)
        if segments[:3:2] == ["groups", "owners"] and not stage.known:  # a group keeps one
            admin = stage.find(ADMIN, "user")
            assert admin is not None
            stage.directory.links.add(stage.tenant, "owners", owner, admin)


def arrange_federated(
    stage: Stage, entry: Record, segments: list[str], owner: StoredObject | None
) -> None:
    assert owner is not None
    shown = entry.get("response_body") or {}
    listed = shown.get("value", [shown] if shown.get("name") else [{"id": segments[-1]}])
    for one in listed:
        if one["id"] in stage.known:
            continue
        made = stage.directory.credentials.add_federated(
            stage.tenant,
            json.loads(owner.doc)["appId"],
            one.get("name", "Testing"),
            one.get("issuer", "https://issuer.example/"),
            one.get("subject", "somebody"),
            description=one.get("description"),
        )
        stage.known[one["id"]] = made.id


def arrange_password(stage: Stage, key_id: str, owner: StoredObject) -> None:
    if key_id not in stage.known and owner.kind == "application":
        app_id = json.loads(owner.doc)["appId"]
        stage.known[key_id] = stage.directory.credentials.add_password(stage.tenant, app_id).key_id


def arrange_deleted(stage: Stage, key: str) -> None:
    known = stage.known.get(key, key)
    if stage.find(key) is None and stage.directory.recycle_bin.find(stage.tenant, known) is None:
        stage.directory.recycle_bin.delete(stage.tenant, stage.ensure("application", {"id": key}))


def arrange_memberships(stage: Stage, entry: Record, segments: list[str]) -> None:
    member = stage.find(segments[1]) or stage.find(segments[1], BY_COLLECTION["users"].name)
    assert member is not None
    for key in entry["response_body"]["value"]:
        if stage.find(key) is None:
            group = stage.ensure("group", {"id": key})
            stage.directory.links.add(stage.tenant, "members", group, member)


def ensure_key(stage: Stage, kind: str, key: str, shown: Record) -> StoredObject:
    """The object that a path names, by ID or by user principal name."""
    found = stage.find(key, kind)
    if found is not None:
        return found
    record = {name: value for name, value in shown.items() if "@" not in name}
    if not is_guid(key):
        record = (
            {"id": f"00000000-0000-4000-8000-{len(stage.known):012}"} | draft_user(key) | record
        )
        stage.known[key] = key
    return stage.ensure(kind, {"id": key} | record)


def draft(kind: str, record: Record, tenant: Tenant) -> Record:
    """What an object has at least."""
    name = record.get("displayName") or f"made for {record['id'][:8]}"
    app_id = record.get("appId") or record["id"][:-1] + "d"
    if kind == "application":
        return draft_application(
            record["id"],
            app_id,
            name,
            created="2022-05-07T06:53:52Z",
            domain=tenant.domains[0],
            audience="AzureADMyOrg",
        )
    if kind == "servicePrincipal":
        return draft_principal(
            record["id"],
            app_id,
            name,
            created="2022-05-07T06:53:52Z",
            owner=tenant.id,
            audience="AzureADMyOrg",
        )
    drafted: Record = {"displayName": name}
    if kind == "user":
        drafted |= draft_user(f"{record['id']}@{tenant.domains[0]}")
    if kind == "group":
        drafted |= {"mailNickname": "x", "mailEnabled": False, "securityEnabled": True}
    return drafted


def draft_user(upn: str) -> Record:
    return {
        "displayName": upn.partition("@")[0],
        "userPrincipalName": upn,
        "accountEnabled": True,
        "userType": "Member",
        "mailNickname": upn.partition("@")[0],
    }


def compare(entry: Record, answer: Answer, stage: Stage) -> Iterator[str]:
    """Where the answer differs from the recorded one."""
    if answer.status != entry["status"]:
        yield f"status {answer.status}, recorded {entry['status']}: {answer.body[:300]!r}"
        return
    recorded = {name.lower(): value for name, value in entry["response_headers"].items()}
    names = answer.headers.keys() - IGNORED_HEADERS
    if names != recorded.keys() - IGNORED_HEADERS:
        yield f"headers {sorted(names ^ (recorded.keys() - IGNORED_HEADERS))}"
    for name in ("content-type", "odata-version", "x-ms-resource-unit", "location"):
        given, wanted = answer.headers.get(name), recorded.get(name)
        if name == "location" and given and wanted:
            given, wanted = (GUID.sub("*", one) for one in (given, wanted))
        # PowerShell's recorder writes blanks behind semicolons.
        if wanted is not None and given != wanted.replace("; ", ";"):
            yield f"{name}: {given}, recorded {wanted}"
    if answer.body:
        yield from compare_json(entry["response_body"], answer.json(), "", stage)


def compare_json(recorded: Any, given: Any, at: str, stage: Stage) -> Iterator[str]:
    """Where two values differ, keys and their order, null or absent included."""
    if isinstance(recorded, dict) and isinstance(given, dict):
        wanted = [name for name in recorded if name not in MOVED]
        keys = [n for n in given if n not in MOVED and (n in recorded or n not in LATER)]
        if keys != wanted or MOVED & recorded.keys() - given.keys():
            yield f"{at} keys {order(keys, wanted)}"
        for name in recorded.keys() & given.keys():
            # A key's name is its certificate's subject, and the certificate is one made here.
            free = FREE | {"displayName"} if "keyId" in recorded else FREE
            if name not in free or recorded[name] is None or given[name] is None:
                yield from compare_json(recorded[name], given[name], f"{at}/{name}", stage)
        return
    if isinstance(recorded, list) and isinstance(given, list):
        if "PII-MASKED" in recorded:
            return
        recorded, given = put_in_order(recorded, stage), put_in_order(given, stage)
        if len(recorded) != len(given):
            yield f"{at}: {len(given)} items, recorded {len(recorded)}"
        for number, (one, other) in enumerate(zip(recorded, given, strict=False)):
            yield from compare_json(one, other, f"{at}/{number}", stage)
        return
    if not same_value(recorded, given, stage):
        yield f"{at}: {given!r}, recorded {recorded!r}"


def put_in_order(values: list[Any], stage: Stage) -> list[Any]:
    """A collection in one order, for the service keeps none."""
    if not all(isinstance(value, dict) for value in values):
        return sorted(values, key=lambda value: blur(str(value)))
    if all(is_guid(value.get("id")) for value in values):
        return sorted(values, key=lambda value: stage.translate(value["id"]))
    names = ("value", "uri", "resourceAppId", "displayName")
    return sorted(values, key=lambda value: str([value.get(name) for name in names]))


def same_value(recorded: Any, given: Any, stage: Stage) -> bool:
    if "PII-MASKED" in str(recorded) or "REDACTED" in str(recorded):
        return True
    if not (isinstance(recorded, str) and isinstance(given, str)):
        return bool(recorded == given)
    return blur(stage.translate(recorded)) == blur(given)


def blur(text: str) -> str:
    """A text without what differs from run to run."""
    if text.startswith("https://"):
        text = urlsplit(text)._replace(scheme="", netloc="").geturl()
    return TIME.sub("<time>", GUID.sub("<id>", text)).casefold()


def order(keys: list[str], wanted: list[str]) -> str:
    missing = [name for name in wanted if name not in keys]
    more = [name for name in keys if name not in wanted]
    if missing or more:
        return f"without {missing}, with {more}"
    return f"in the order {keys}, recorded {wanted}"


def split_path(url: str) -> list[str]:
    """A path's segments below the version, keys in parentheses taken out."""
    path = re.sub(r"\('([^/]*)'\)", r"/\1", urlsplit(url).path)
    segments = [unquote(segment) for segment in path.split("/")[2:]]
    names = {name.lower(): name for name in BY_COLLECTION}
    segments[0] = names.get(segments[0].lower(), segments[0])
    return segments


def is_key(segment: str) -> bool:
    return is_guid(segment) or "@" in segment


def is_guid(value: Any) -> bool:
    return isinstance(value, str) and bool(GUID.fullmatch(value))
