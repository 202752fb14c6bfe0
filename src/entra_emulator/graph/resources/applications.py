"""Applications: made, changed, made unless they are there, so that tokens follow."""

from collections.abc import Iterable

import msgspec
from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.directory.credentials import Credential
from entra_emulator.directory.object_rows import StoredObject
from entra_emulator.errors import GraphFault, deny
from entra_emulator.graph.answer import answer_nothing
from entra_emulator.graph.call import Call
from entra_emulator.graph.objects.change import read_changes
from entra_emulator.graph.objects.find import (
    answer_created,
    find_caller,
    find_target,
    read_record,
)
from entra_emulator.graph.objects.references import bind_references
from entra_emulator.graph.resources.groups import check_unique_name
from entra_emulator.graph.write.body import read_payload
from entra_emulator.graph.write.certificates import check_distinct, reconcile_keys
from entra_emulator.graph.write.merge import merge_values
from entra_emulator.graph.write.offers import check_offer, list_redirects
from entra_emulator.graph.write.secrets import draft_secret
from entra_emulator.graph.write.validate import Written, read_properties, require
from entra_emulator.model.applications import draft_application
from entra_emulator.model.records import Record

# The default since April 2024 ("What's new in Microsoft Graph"; recorded 2024-09), before that it
# was AzureADandPersonalMicrosoftAccount.
AUDIENCE = "AzureADMyOrg"

# Always objects: null makes them as they were at first (recorded).
_ALWAYS = ("api", "info", "parentalControlSettings", "publicClient", "spa", "web")

_encode = msgspec.json.Encoder().encode


def create_application(call: Call) -> Response:
    """`POST /applications`: an application without a service principal."""
    written = read_properties("application", read_payload(call), creating=True)
    require("application", written.values)
    with call.directory.transaction():
        return _create(call, written)


def change_application(call: Call) -> Response:
    """`PATCH /applications/{id}`: the token service and service principals follow at once."""
    if wants_creation(call):
        name = _read_unique_name(call)
        if name is not None:
            return _create_named(call, name)
    written = read_changes(call, "application")
    with call.directory.transaction():
        found = find_target(call, "application")
        record = read_record(found)
        _change(call, record, written.values)
        bind_references(call, "application", found, written.binds)
    return answer_nothing(call)


def wants_creation(call: Call) -> bool:
    """Whether the caller prefers that what is not there is made (`Prefer: create-if-missing`)."""
    preferences = call.request.headers.get("prefer", "").lower()
    return "create-if-missing" in {one.strip() for one in preferences.split(",")}


def own(call: Call, found: StoredObject) -> None:
    """
    Let whoever calls own what it has made.

    Recorded for users (Azure CLI, test_app_owner); for applications by analogy, because
    `Application.ReadWrite.OwnedBy` would be of no use otherwise.
    """
    caller = find_caller(call)
    if caller is not None:
        call.directory.links.add(call.tenant, "owners", found, caller)


def _read_unique_name(call: Call) -> str | None:
    """The name in `applications(uniqueName='…')`, if no application has it yet."""
    key = call.keys["key"]
    if not key.lower().startswith("uniquename='"):
        return None
    name = key[len("uniquename='") : -1].replace("''", "'")
    found = call.directory.search.find_by_unique_name(call.tenant, "application", name)
    return name if found is None else None


def _create_named(call: Call, name: str) -> Response:
    written = read_properties("application", read_payload(call), creating=True)
    values = written.values | {"uniqueName": name}
    require("application", values)
    with call.directory.transaction():
        return _create(call, Written(values, written.binds))


def _create(call: Call, written: Written) -> Response:
    check_unique_name(call, "application", written.values.get("uniqueName"))
    values = dict(written.values)
    wanted, passwords = values.pop("keyCredentials", []), values.pop("passwordCredentials", [])
    audience = values.get("signInAudience") or AUDIENCE
    record = draft_application(
        call.directory.new_id(),
        call.directory.new_id(),
        values["displayName"],
        created=format_iso(call.now),
        domain=call.tenant.domains[0],
        audience=audience,
        redirect_uris=(),
    )
    if audience.endswith("PersonalMicrosoftAccount"):
        record["api"]["requestedAccessTokenVersion"] = 2  # recorded
    record = _merge(record, values)
    keys = reconcile_keys(call, [], wanted)
    secrets = [draft_secret(call, one) for one in passwords]
    record["keyCredentials"] = keys.records
    record["passwordCredentials"] = [secret.entry for secret in secrets]
    check_distinct(record)
    check_offer(call, record, None)
    credentials = [*keys.added, *(secret.credential for secret in secrets)]
    found = _register(call, record, credentials)
    own(call, found)
    bind_references(call, "application", found, _drop_owner(call, written.binds))
    shown = read_record(found)
    # Recorded: a fraction in this answer, none in any other.
    shown["createdDateTime"] = format_iso(call.now, 7)
    # Secrets are shown once ("Example 2: Create a new application and add a password secret").
    shown["passwordCredentials"] = [
        entry | {"secretText": secret.text}
        for entry, secret in zip(shown["passwordCredentials"], secrets, strict=True)
    ]
    return answer_created(call, found, body=_encode(shown))


def _register(call: Call, record: Record, credentials: Iterable[Credential]) -> StoredObject:
    try:
        return call.directory.applications.create(call.tenant, record, credentials)
    except ValueError as error:
        raise _refuse_name() from error


def _change(call: Call, record: Record, values: Record) -> None:
    before = record
    wanted = values.pop("keyCredentials", None)
    record = _merge(before, values)
    if wanted is not None:
        keys = reconcile_keys(call, before["keyCredentials"], wanted)
        record["keyCredentials"] = keys.records
        check_distinct(record)
        call.directory.credentials.drop(record["appId"], keys.dropped)
        call.directory.credentials.keep(record["appId"], keys.added)
    check_offer(call, record, before)
    try:
        call.directory.applications.rewrite(call.tenant, record)
    except ValueError as error:
        raise _refuse_name() from error


def _merge(record: Record, values: Record) -> Record:
    """The application with these properties."""
    merged = record | merge_values("application", record, values)
    blank = None
    for name in _ALWAYS:
        if merged[name] is None:
            blank = blank or _draft_blank(record)
            merged[name] = blank[name]
    if "web" in values:
        merged["web"] = merged["web"] | {"redirectUriSettings": list_redirects(merged["web"])}
    if merged["signInAudience"] is None:
        merged["signInAudience"] = AUDIENCE
    return merged


def _draft_blank(record: Record) -> Record:
    return draft_application(
        record["id"],
        record["appId"],
        record["displayName"],
        created=record["createdDateTime"],
        domain=record["publisherDomain"],
        audience=record["signInAudience"],
        redirect_uris=(),
    )


def _drop_owner(call: Call, binds: dict[str, list[str]]) -> dict[str, list[str]]:
    """Owners that were asked for, but for the caller, who is one already."""
    own_id = call.caller.object_id
    return {
        name: [one for one in addresses if name != "owners" or own_id not in one.lower()]
        for name, addresses in binds.items()
    }


def _refuse_name() -> GraphFault:
    return deny("value_taken", name="identifierUris", target="identifierUris")
