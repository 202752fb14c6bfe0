"""Applications: `/applications`. Changes affect tokens and service principals at once."""

from collections.abc import Iterable

import msgspec
from starlette.responses import Response

from entra_emulator.clock import format_iso
from entra_emulator.directory.credentials import Credential
from entra_emulator.directory.objects import StoredObject
from entra_emulator.errors import GraphRefusal, deny
from entra_emulator.graph.answer import answer_nothing
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import declare_collection
from entra_emulator.graph.objects.change import read_changes
from entra_emulator.graph.objects.create import (
    answer_created,
    check_unique_name,
    drop_caller,
    make_caller_owner,
    read_draft,
)
from entra_emulator.graph.objects.find import find_target, read_alternate, read_record
from entra_emulator.graph.objects.references import bind_references
from entra_emulator.graph.objects.relations import Navigation
from entra_emulator.graph.write.app_policies import check_policies, check_symmetric
from entra_emulator.graph.write.certificates import check_distinct, reconcile_keys, replace_keys
from entra_emulator.graph.write.merge import merge_values
from entra_emulator.graph.write.offers import check_offer, list_redirects
from entra_emulator.graph.write.rules import EVERYWHERE, Rule, split_names
from entra_emulator.graph.write.secrets import NewSecret, draft_secret
from entra_emulator.graph.write.validate import ObjectBody, check_echoed
from entra_emulator.model.applications import draft_application
from entra_emulator.model.records import Record

# The default since April 2024 ("What's new in Microsoft Graph"; recorded 2024-09), before that it
# was AzureADandPersonalMicrosoftAccount.
AUDIENCE = "AzureADMyOrg"

_AUDIENCES = split_names(
    "AzureADMyOrg AzureADMultipleOrgs AzureADandPersonalMicrosoftAccount PersonalMicrosoftAccount"
)
RULE = Rule(
    "application",
    fixed=split_names(
        f"{EVERYWHERE} appId applicationTemplateId certification createdByAppId "
        "disabledByMicrosoftStatus managerApplications publisherDomain verifiedPublisher"
    ),
    once=split_names("passwordCredentials uniqueName"),
    elsewhere=split_names("logo"),
    required=("displayName",),
    lengths={"description": 1024, "displayName": 256, "notes": 1024, "uniqueName": 256},
    choices={"signInAudience": _AUDIENCES},
)
_OWNERS = frozenset({"servicePrincipal", "user"})

# These properties are always objects: null resets them to their first values (recorded).
_ALWAYS = ("api", "info", "parentalControlSettings", "publicClient", "spa", "web")

_encode = msgspec.json.Encoder().encode


def create_application(call: Call, **more: str) -> Response:
    """`POST /applications`: without a service principal; `more` are properties from the path."""
    body = read_draft(call, RULE, **more)
    with call.directory.transaction():
        return _create(call, body)


def change_application(call: Call) -> Response:
    """`PATCH /applications/{id}`: the token service and service principals follow at once."""
    name = (
        read_alternate(call.keys["key"], "uniqueName")
        if call.prefers("create-if-missing")
        else None
    )
    # This look-up may be outdated at once; creation checks the name within its transaction.
    find = call.directory.search.find_by_unique_name
    if name is not None and find(call.tenant, "application", name) is None:
        return create_application(call, uniqueName=name)
    body = read_changes(call, RULE)
    with call.directory.transaction():
        row = find_target(call, "application")
        record = read_record(row)
        check_echoed("application", record, body)
        _change(call, record, body.values)
        bind_references(call, row, body.binds)
    return answer_nothing(call)


def delete_application(call: Call) -> Response:
    """`DELETE /applications/{id}`: to the recycle bin, with its service principal."""
    with call.directory.transaction():
        call.directory.recycle_bin.delete_application(call.tenant, find_target(call, "application"))
    return answer_nothing(call)


def _create(call: Call, body: ObjectBody) -> Response:
    check_unique_name(call, "application", body.values.get("uniqueName"))
    record, certificates, secrets = _draft(call, body.values)
    check_offer(call, record, None)
    check_policies(call, "application", record, None)
    credentials = [*certificates, *(secret.credential for secret in secrets)]
    try:
        row = call.directory.applications.create(call.tenant, record, credentials)
    except ValueError as error:
        raise _refuse_name() from error
    # Recorded for users (Azure CLI, test_app_owner); for an application it is reported of
    # `Application.ReadWrite.OwnedBy` (msgraph-sdk-powershell#829). Terraform names itself among
    # the owners besides, and is not refused.
    make_caller_owner(call, row)
    bind_references(call, row, drop_caller(call, body.binds))
    return answer_created(call, row, body=_show_new(call, row, secrets))


def _draft(call: Call, values: Record) -> tuple[Record, list[Credential], list[NewSecret]]:
    """A new application with these properties: its record, its certificates, its secrets."""
    values = dict(values)
    key_credentials = values.pop("keyCredentials", [])
    password_credentials = values.pop("passwordCredentials", [])
    record = draft_application(
        call.directory.new_id(),
        call.directory.new_id(),
        values["displayName"],
        created=format_iso(call.now),
        domain=call.tenant.domains[0],
        audience=values.get("signInAudience") or AUDIENCE,
    )
    if record["signInAudience"].endswith("PersonalMicrosoftAccount"):
        record["api"]["requestedAccessTokenVersion"] = 2  # recorded
    record = _merge(record, values)
    check_symmetric(call, "application", record, key_credentials)
    keys = reconcile_keys(call, [], key_credentials)
    secrets = [draft_secret(call, entry) for entry in password_credentials]
    record["keyCredentials"] = keys.records
    record["passwordCredentials"] = [secret.entry for secret in secrets]
    check_distinct(record)
    return record, keys.added, secrets


def _show_new(call: Call, row: StoredObject, secrets: Iterable[NewSecret]) -> bytes:
    """The answer's body, which shows secrets this once ("Example 2: … add a password secret")."""
    record = read_record(row)
    # Recorded: a fraction in this answer, none in any other.
    record["createdDateTime"] = format_iso(call.now, 7)
    record["passwordCredentials"] = [
        entry | {"secretText": secret.text}
        for entry, secret in zip(record["passwordCredentials"], secrets, strict=True)
    ]
    return _encode(record)


def _change(call: Call, before: Record, values: Record) -> None:
    key_credentials = values.pop("keyCredentials", None)
    record = _merge(before, values)
    if key_credentials is not None:
        check_symmetric(call, "application", before, key_credentials)
        record["keyCredentials"] = replace_keys(call, record["appId"], before, key_credentials)
    check_offer(call, record, before)
    check_policies(call, "application", record, before)
    try:
        call.directory.applications.rewrite(call.tenant, record)
    except ValueError as error:
        raise _refuse_name() from error


def _merge(record: Record, values: Record) -> Record:
    """The application with these properties."""
    merged = record | merge_values("application", record, values)
    cleared = [name for name in _ALWAYS if merged[name] is None]
    if cleared:
        blank = draft_application(
            record["id"],
            record["appId"],
            record["displayName"],
            created=record["createdDateTime"],
            domain=record["publisherDomain"],
            audience=record["signInAudience"],
        )
        merged |= {name: blank[name] for name in cleared}
    if "web" in values:
        merged["web"] = merged["web"] | {"redirectUriSettings": list_redirects(merged["web"])}
    if merged["signInAudience"] is None:
        # A null audience means the default, as in a new application.
        merged["signInAudience"] = AUDIENCE
    return merged


def _refuse_name() -> GraphRefusal:
    return deny("value_taken", name="identifierUris", target="identifierUris")


ROUTES = declare_collection(
    "application",
    "/applications",
    navigations=(Navigation("application", "owners", "owners", takes=_OWNERS),),
    create=create_application,
    change=change_application,
    delete=delete_application,
)
