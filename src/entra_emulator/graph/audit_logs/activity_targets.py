"""
The objects of an activity, and the changes of their properties: `targetResources`.

Values are written as recorded (Core Directory, 2022): as JSON in a text, a single value in a list,
and no value as an empty list. The names of properties begin with a capital letter. Of credentials,
only names and IDs are shown.
"""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from entra_emulator.directory.changes import Change
from entra_emulator.directory.objects import StoredObject
from entra_emulator.graph.audit_logs.activities import CREDENTIALS
from entra_emulator.graph.call import Call
from entra_emulator.model.records import Record

_decode = msgspec.json.Decoder(Record).decode

# Properties that are left out: they say nothing about the activity, or nobody may read them.
_HIDDEN = frozenset({"id", "passwordProfile", "securityIdentifier"})


def describe_changed(call: Call, change: Change) -> tuple[Record, list[Record]]:
    """The object after its change, or before it where it is gone; and the activity's targets."""
    state = call.directory.changes.read_state(call.tenant, change.kind, change.seq)
    after = _decode(state.doc) if state.doc else {}
    before = _decode(change.before) if change.before and change.what == "updated" else {}
    record = after or (_decode(change.before) if change.before else {})
    properties: list[Record] = []
    if change.what == "updated":
        properties = _compare(before, after, change.names)
    elif change.what == "created":
        properties = _compare({}, after, after)
    return record, [describe_target(change.kind, change.id, record, properties)]


def describe_linked(call: Call, change: Change) -> list[Record]:
    """The targets of a change of a link: what is at its other end, then the object itself."""
    _, (own,) = describe_changed(call, change)
    reference = _decode(change.before) if change.before else {}
    other_kind = str(reference.get("@odata.type", "")).rpartition(".")[2]
    doc = call.directory.objects.read_document(change.target or 0)
    noun = own["type"]
    pairs = [("ObjectID", own["id"]), ("DisplayName", own["displayName"])]
    removed = change.what == "unlinked"
    properties = [
        {
            "displayName": f"{noun}.{name}",
            "oldValue": json.dumps(value) if removed else None,
            "newValue": None if removed else json.dumps(value),
        }
        for name, value in pairs
    ]
    other = _decode(doc) if doc else {}
    return [describe_target(other_kind, reference.get("id"), other, properties), own]


def describe_row(row: StoredObject) -> Record:
    """An object of which nothing is known to have changed, as a target."""
    record = _decode(row.doc)
    return describe_target(row.kind, record["id"], record)


def describe_target(
    kind: str, object_id: Any, record: Record, properties: Iterable[Record] = ()
) -> Record:
    """One of the `targetResources`."""
    unified = "unifiedGroups" if "Unified" in record.get("groupTypes", ()) else "unknownFutureValue"
    return {
        "id": object_id,
        "displayName": None if kind == "user" else record.get("displayName"),
        "type": "Role" if kind == "directoryRole" else kind[:1].upper() + kind[1:] or "Other",
        "userPrincipalName": record.get("userPrincipalName"),
        "groupType": unified if kind == "group" else None,
        "modifiedProperties": list(properties),
    }


def _compare(before: Record, after: Record, names: Iterable[str]) -> list[Record]:
    """The old and the new values of these properties."""
    shown = []
    modified = []
    for name in names:
        if name in _HIDDEN or before.get(name) == after.get(name):
            continue
        label = "KeyDescription" if name in CREDENTIALS else name[:1].upper() + name[1:]
        modified.append(label)
        old, new = _write(name, before.get(name)), _write(name, after.get(name))
        shown.append({"displayName": label, "oldValue": old, "newValue": new})
    included = json.dumps(", ".join(dict.fromkeys(modified)), ensure_ascii=False)
    title = "Included Updated Properties"
    return [*shown, {"displayName": title, "oldValue": None, "newValue": included}]


def _write(name: str, value: Any) -> str:
    if name in CREDENTIALS:
        value = [_describe_key(name, one) for one in value or ()]
    values = value if isinstance(value, list) else [] if value is None else [value]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _describe_key(name: str, credential: Record) -> str:
    """A credential without its value, its hint or its key."""
    sort = "Password" if name == "passwordCredentials" else "AsymmetricX509Cert"
    usage = credential.get("usage") or "Verify"
    title = credential.get("displayName") or ""
    return (
        f"[KeyIdentifier={credential.get('keyId')},KeyType={sort},KeyUsage={usage},"
        f"DisplayName={title}]"
    )
