"""Make the tenant that a tenant file describes."""

from typing import NamedTuple
from uuid import NAMESPACE_DNS, UUID, uuid5

from entra_emulator.clock import format_iso, parse_iso
from entra_emulator.content.seed import Progress, choose_sizes, seed_directory
from entra_emulator.content.tenant_file.check import load_certificates
from entra_emulator.content.tenant_file.description import (
    DescribedTable,
    TenantDescription,
    TenantFileError,
)
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.applications import draft_application
from entra_emulator.model.people_and_devices import UNIFIED, draft_group, draft_user, set_mail
from entra_emulator.model.products import BY_ID, SKUS
from entra_emulator.model.records import Application, Record, Tenant

# The groupTypes of a group whose members follow a rule.
_DYNAMIC = "DynamicMembership"

# Users whom [seed] draws when it does not say how many.
DRAWN_USERS = 250


class _Place(NamedTuple):
    """Where a description is being put."""

    directory: Directory
    tenant: Tenant
    description: TenantDescription
    created: str


def fill_described(
    directory: Directory, description: TenantDescription, *, progress: Progress = lambda *_: None
) -> Tenant:
    """
    Make the described tenant, all or nothing; the same file makes the same IDs.

    Raises:
        TenantFileError: it names a user whom [seed] does not draw, or uses a name of one whom it
            does.
    """
    with directory.transaction():
        tenant = _create_tenant(directory, description, progress)
        place = _Place(directory, tenant, description, format_iso(directory.clock.now()))
        for user in description.users:
            _create_user(place, user)
        for group in description.groups:
            _create_group(place, group)
        for application in description.applications:
            _create_application(place, application)
        # When everything is there that a name can mean.
        for user in description.users:
            _complete_user(place, user)
        for entry in description.groups:
            for relation in ("members", "owners"):
                _link(place, entry, relation, _find(place, entry, entry.values["displayName"]))
        for application in description.applications:
            _complete_application(place, application)
    return tenant


def derive_app_id(tenant: Tenant, application: DescribedTable) -> str:
    """The client ID of a described application."""
    stated: str | None = application.values.get("appId")
    return stated or _derive_id(tenant, f"application {application.values['displayName']}")


def _create_tenant(
    directory: Directory, description: TenantDescription, progress: Progress
) -> Tenant:
    values = description.tenant.values
    if description.seed is not None:
        amounts = dict(description.seed)
        seed = amounts.pop("seed", 0)
        sizes = choose_sizes(**{"users": DRAWN_USERS, **amounts})
        return seed_directory(directory, **sizes._asdict(), seed=seed, progress=progress)
    tenant_id = values.get("id") or str(uuid5(NAMESPACE_DNS, description.domains[0]))
    tenant = directory.tenants.create(
        values.get("name", "Contoso"),
        description.domains,
        tenant_id=tenant_id,
        graph_principal_id=str(uuid5(UUID(tenant_id), "servicePrincipal Microsoft Graph")),
        region=values.get("region", "EU"),
    )
    if description.licenses is None:
        directory.licences.add_subscriptions(tenant, {})
    else:
        bought = {sku.id: description.licenses.get(sku.name, 0) for sku in SKUS}
        directory.licences.buy(tenant, {key: units for key, units in bought.items() if units})
    return tenant


def _create_user(place: _Place, user: DescribedTable) -> None:
    record = draft_described_user(place.tenant, user, place.created)
    try:
        place.directory.objects.create(place.tenant, "user", record)
    except ValueError as error:
        raise TenantFileError(f"{user.place}: {error}. [seed] has drawn it.") from None


def draft_described_user(tenant: Tenant, user: DescribedTable, created: str) -> Record:
    """A described user without manager, licences and roles; created then unless it says when."""
    upn = user.values["userPrincipalName"]
    local = upn.partition("@")[0]
    properties = {
        "accountEnabled": True,
        "displayName": local,
        "mailNickname": local,
        "userPrincipalName": upn,
    } | user.properties
    if properties.get("mail"):
        properties.setdefault("proxyAddresses", set_mail([], properties["mail"]))
    object_id = user.values.get("id") or _derive_id(tenant, f"user {upn.casefold()}")
    moment = properties.get("createdDateTime") or created
    return draft_user(object_id, properties, created=moment, issuer=tenant.domains[0])


def _create_group(place: _Place, group: DescribedTable) -> None:
    record = draft_described_group(place.tenant, group, place.created)
    place.directory.objects.create(place.tenant, "group", record)


def draft_described_group(tenant: Tenant, group: DescribedTable, created: str) -> Record:
    """A described group without members and owners; created then unless it says when."""
    name = group.values["displayName"]
    types = list(group.properties.get("groupTypes") or ())
    unified = UNIFIED in types
    if group.properties.get("membershipRule") and _DYNAMIC not in types:
        types.append(_DYNAMIC)
    nickname = "".join(c for c in name if c.isascii() and c.isalnum()) or "group"
    properties = {
        "displayName": name,
        "mailEnabled": unified,
        "mailNickname": nickname,
        "securityEnabled": not unified,
    } | group.properties
    properties["groupTypes"] = types
    object_id = group.values.get("id") or _derive_id(tenant, f"group {name}")
    moment = properties.get("createdDateTime") or created
    return draft_group(object_id, properties, created=moment, domain=tenant.domains[-1])


def _create_application(place: _Place, application: DescribedTable) -> None:
    directory, tenant, values = place.directory, place.tenant, application.values
    app_id = derive_app_id(tenant, application)
    record = draft_application(
        _derive_id(tenant, f"registration {app_id}"),
        app_id,
        values["displayName"],
        created=place.created,
        domain=tenant.domains[0],
        audience=values.get("signInAudience", "AzureADMyOrg"),
        redirect_uris=values.get("redirectUris", ()),
        public_redirect_uris=values.get("publicRedirectUris", ()),
        allow_public_client=values.get("allowPublicClient"),
    )
    directory.applications.create(tenant, record)
    if values.get("servicePrincipal", True):
        directory.service_principals.create(tenant, Application(record))
    roles = [
        (one.values["value"], one.values.get("displayName", one.values["value"]))
        for one in values.get("appRoles", ())
    ]
    if roles or "identifierUri" in values:
        uri = values.get("identifierUri")
        try:
            directory.applications.expose_api(tenant, app_id, uri, roles)
        except ValueError as error:
            raise TenantFileError(f"{application.place}: {error}.") from None
    _add_credentials(place, application, app_id)


def _add_credentials(place: _Place, application: DescribedTable, app_id: str) -> None:
    credentials, tenant, values = place.directory.credentials, place.tenant, application.values
    if "secret" in values:
        credentials.add_password(tenant, app_id, "tenant file", text=values["secret"])
    for secret in values.get("secrets", ()):
        start, end = (secret.values.get(name) for name in ("startDateTime", "endDateTime"))
        credentials.add_password(
            tenant,
            app_id,
            secret.values.get("displayName"),
            start=parse_iso(start) if start else None,
            end=parse_iso(end) if end else None,
            text=secret.values["text"],
        )
    for der in load_certificates(place.description.path, application):
        credentials.add_certificate(tenant, app_id, der)
    for federated in values.get("federatedIdentityCredentials", ()):
        try:
            credentials.add_federated(tenant, app_id, **federated.values)
        except ValueError as error:
            raise TenantFileError(f"{federated.place}: {error}.") from None


def _complete_user(place: _Place, user: DescribedTable) -> None:
    directory, tenant, upn = place.directory, place.tenant, user.values["userPrincipalName"]
    row = _find(place, user, upn)
    if "manager" in user.values:
        manager = _find(place, user, user.values["manager"])
        directory.links.add(tenant, "manager", row, manager)
    products = {sku.name: key for key, sku in BY_ID.items()}
    licenses = [
        {"disabledPlans": [], "skuId": products[name]} for name in user.values.get("licenses", ())
    ]
    if licenses:
        directory.licences.assign(tenant, row, licenses)
    for role in user.values.get("roles", ()):
        directory.role_members.assign(tenant, upn, role)


def _complete_application(place: _Place, application: DescribedTable) -> None:
    directory, tenant, values = place.directory, place.tenant, application.values
    app_id = derive_app_id(tenant, application)
    for kind in ("application", "servicePrincipal"):
        row = directory.objects.find(tenant, app_id, kind=kind)
        if row is not None:
            _link(place, application, "owners", row)
    apis = {one.values["displayName"]: one for one in place.description.applications}
    for permission in values.get("permissions", ()):
        name, slash, role = permission.rpartition("/")
        resource = {"resource_app_id": derive_app_id(tenant, apis[name])} if slash else {}
        directory.applications.add_application_permission(tenant, app_id, role, **resource)
    scopes = values.get("delegatedPermissions", ())
    for scope in scopes:
        directory.applications.add_delegated_permission(tenant, app_id, scope)
    if values.get("consent", True):
        if values.get("permissions"):
            directory.consents.grant_admin_consent(tenant, app_id)
        if scopes:
            directory.consents.grant_scopes(tenant, app_id, scopes)


def _link(place: _Place, entry: DescribedTable, relation: str, row: StoredObject) -> None:
    for name in entry.values.get(relation, ()):
        place.directory.links.add(place.tenant, relation, row, _find(place, entry, name))


def _find(place: _Place, entry: DescribedTable, name: str) -> StoredObject:
    """The user, the group or the application's service principal of this name."""
    kind, key = "user", name
    if "@" not in name:
        for group in place.description.groups:
            if group.values["displayName"].casefold() == name.casefold():
                text = f"group {group.values['displayName']}"
                kind, key = "group", group.values.get("id") or _derive_id(place.tenant, text)
        for application in place.description.applications:
            if application.values["displayName"].casefold() == name.casefold():
                kind, key = "servicePrincipal", derive_app_id(place.tenant, application)
    row = place.directory.objects.find(place.tenant, key, kind=kind)
    if row is None:
        raise TenantFileError(
            f"{entry.place}: [seed] draws no user {name!r}. Describe it under [[users]]."
        )
    return row


def _derive_id(tenant: Tenant, text: str) -> str:
    return str(uuid5(UUID(tenant.id), text))
