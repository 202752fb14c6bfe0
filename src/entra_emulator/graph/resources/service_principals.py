"""Service principals: `/servicePrincipals`, the applications that are in a tenant."""

from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_nothing
from entra_emulator.graph.call import Call
from entra_emulator.graph.object_collection import declare_collection
from entra_emulator.graph.objects.change import read_changes
from entra_emulator.graph.objects.create import (
    answer_created,
    drop_caller,
    make_caller_owner,
    read_draft,
)
from entra_emulator.graph.objects.find import (
    check_owned,
    find_target,
    is_visible,
    read_alternate,
    read_record,
)
from entra_emulator.graph.objects.references import bind_references
from entra_emulator.graph.objects.relations import Navigation, list_member_of
from entra_emulator.graph.write.app_policies import check_policies, check_symmetric
from entra_emulator.graph.write.certificates import replace_keys
from entra_emulator.graph.write.merge import merge_values
from entra_emulator.graph.write.rules import EVERYWHERE, Rule, split_names
from entra_emulator.graph.write.validate import ObjectBody, check_echoed, refuse_value
from entra_emulator.model.first_party_apps import is_internal
from entra_emulator.model.records import Application, Record

_RULE = Rule(
    "servicePrincipal",
    fixed=split_names(
        f"{EVERYWHERE} appDescription appDisplayName appOwnerOrganizationId "
        "applicationTemplateId createdByAppId disabledByMicrosoftStatus passwordCredentials "
        "resourceSpecificApplicationPermissions servicePrincipalType signInAudience "
        "verifiedPublisher"
    ),
    once=split_names("appId"),
    required=("appId",),
    guids=split_names("appId"),
    lengths={"description": 1024, "displayName": 256, "notes": 1024},
)
_OWNERS = frozenset({"servicePrincipal", "user"})


# Without these of Microsoft Graph's, nobody in the tenant gets a token any more, not even to undo
# the change.
_KEPT = frozenset(
    "accountEnabled appRoleAssignmentRequired appRoles oauth2PermissionScopes "
    "servicePrincipalNames".split()
)


def create_principal(call: Call, **more: str) -> Response:
    """`POST /servicePrincipals`: bring an application in; `more` are properties from the path."""
    body = read_draft(call, _RULE, **more)
    with call.directory.transaction():
        return _create(call, body)


def change_principal(call: Call) -> Response:
    """`PATCH /servicePrincipals/{id}`: the token service follows at once."""
    app_id = (
        read_alternate(call.keys["key"], "appId") if call.prefers("create-if-missing") else None
    )
    find = call.directory.service_principals.find
    if app_id is not None and find(call.tenant, app_id) is None:
        return create_principal(call, appId=app_id)
    body = read_changes(call, _RULE)
    with call.directory.transaction():
        row = find_target(call, "servicePrincipal")
        record = read_record(row)
        check_echoed("servicePrincipal", record, body)
        changes = _alter(call, record, body.values)
        call.directory.objects.update(call.tenant, "servicePrincipal", record["id"], changes)
        bind_references(call, row, body.binds)
        if changes.get("accountEnabled") is False and record["accountEnabled"]:
            # Tokens live for an hour and more; a client with access evaluation loses them at once.
            call.directory.token_policies.revoke_tokens(call.tenant, record["appId"])
    return answer_nothing(call)


def delete_principal(call: Call) -> Response:
    """`DELETE /servicePrincipals/{id}`: to the recycle bin, unless it is internal to Microsoft."""
    with call.directory.transaction():
        row = find_target(call, "servicePrincipal")
        if is_internal(read_record(row)["appId"]):
            raise deny("principal_internal")
        call.directory.recycle_bin.delete(call.tenant, row)
    return answer_nothing(call)


def _create(call: Call, body: ObjectBody) -> Response:
    values = dict(body.values)
    app_id = str(values.pop("appId")).lower()
    if call.directory.service_principals.find(call.tenant, app_id) is not None:
        raise deny("principal_present", app=app_id, target="servicePrincipalNames")
    client = _find_backing(call, app_id)
    row = call.directory.service_principals.create(call.tenant, client, {})
    record = read_record(row)
    # The application fills the new object first; what was sent is merged into that.
    changes = _alter(call, record, values)
    call.directory.objects.update(call.tenant, "servicePrincipal", record["id"], changes)
    binds = body.binds
    # Recorded: nobody owns a new service principal (Azure CLI). Who may only make those that it
    # owns is the first owner ("servicePrincipals/createAsOwner", app registration permissions).
    if call.permit.owned:
        make_caller_owner(call, row)
        binds = drop_caller(call, binds)
    bind_references(call, row, binds)
    current = call.directory.objects.find(call.tenant, record["id"])
    assert current is not None, "it was made just now"
    return answer_created(call, current)


def _find_backing(call: Call, app_id: str) -> Application:
    """The application behind a new service principal, if this tenant and caller may use it."""
    client = call.directory.applications.find_client(app_id)
    if client is None:
        raise deny("principal_baseless", app=app_id, target="appId")
    local = call.directory.objects.find(call.tenant, client.id, kind="application")
    if local is not None:
        # Azure CLI knows this text, and tries again until the application has come to the replica.
        if not is_visible(call, local):
            raise deny("principal_baseless", app=app_id, target="appId")
        check_owned(call, local)
        return client
    if client.record["signInAudience"] == "AzureADMyOrg":
        raise deny("principal_baseless", app=app_id, target="appId")
    if call.permit.owned:
        # With `OwnedBy` permissions the application must be of this tenant.
        raise deny("principal_foreign")
    return client


def _alter(call: Call, record: Record, values: Record) -> Record:
    """What changes when a service principal is to have these properties."""
    changes = merge_values("servicePrincipal", record, values)
    key_credentials = changes.pop("keyCredentials", None)
    if key_credentials is not None:
        check_symmetric(call, "servicePrincipal", record, key_credentials)
        changes["keyCredentials"] = replace_keys(call, record["id"], record, key_credentials)
    check_policies(call, "servicePrincipal", record | changes, record)
    for name in ("accountEnabled", "appRoleAssignmentRequired", "displayName"):
        if name in changes and changes[name] is None:
            raise refuse_value("servicePrincipal", name)
    if is_internal(record["appId"]) and any(
        changes[name] != record.get(name) for name in _KEPT & changes.keys()
    ):
        raise deny("principal_internal")
    return changes


ROUTES = declare_collection(
    "servicePrincipal",
    "/servicePrincipals",
    navigations=(
        Navigation("servicePrincipal", "owners", "owners", takes=_OWNERS),
        Navigation("servicePrincipal", "ownedObjects", "owners", reverse=True),
        *list_member_of("servicePrincipal"),
    ),
    create=create_principal,
    change=change_principal,
    delete=delete_principal,
)
