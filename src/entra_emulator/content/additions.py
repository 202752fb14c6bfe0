"""Applications, users, groups and licences, added one by one in the words of the tenant file."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.content.tenant_file.description import check_known
from entra_emulator.content.tenant_file.fill import draft_described_group, draft_described_user
from entra_emulator.content.tenant_file.read import read_table
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.objects import StoredObject
from entra_emulator.model.products import SKUS
from entra_emulator.model.records import Password, Record, Tenant

# An object by its ID, or a user by their name; or what was returned when it was added.
Named = str | Mapping[str, Any]


# Seconds that a secret with a stated end has been valid before.
YEAR = 365 * 86_400.0


def register_application(
    directory: Directory,
    tenant: Tenant,
    display_name: str,
    permissions: Iterable[str],
    *,
    consent: bool,
    redirect_uris: Iterable[str],
) -> tuple[str, Password]:
    """
    The client ID of a new application, and its client secret; with permissions of Microsoft Graph.

    Raises:
        LookupError: Graph has no such permission.
    """
    with directory.transaction():
        application = directory.applications.register(
            tenant, display_name, redirect_uris=redirect_uris
        )
        client_id = application.app_id
        for permission in permissions:
            directory.applications.add_application_permission(tenant, client_id, permission)
        if consent:
            directory.consents.grant_admin_consent(tenant, client_id)
        password = directory.credentials.add_password(tenant, client_id, "graphdaemon emulator")
    return client_id, password


def add_secret(
    directory: Directory,
    tenant: Tenant,
    client_id: str,
    display_name: str | None,
    end: float | None,
) -> str:
    """
    The value of a new client secret, valid for two years, or for the year before `end`.

    Raises:
        LookupError: there is no such application.
    """
    start = None if end is None else end - YEAR
    password = directory.credentials.add_password(
        tenant, client_id, display_name, start=start, end=end
    )
    assert password.secret_text is not None, "it was made just now"
    return password.secret_text


def add_user(
    directory: Directory,
    tenant: Tenant,
    name: str,
    entry: Record,
    *,
    manager: Named | None = None,
) -> Record:
    """
    A user; without a domain in the name, of the tenant's last one.

    Args:
        directory: where.
        tenant: whose.
        name: the user principal name.
        entry: what a table of users has besides, in a tenant file.
        manager: another user.

    Raises:
        TenantFileError: a key is unknown, or has no such value.
        ValueError: the name is another user's.
        LookupError: there is no such manager, or no such role.
    """
    upn = name if "@" in name else f"{name}@{tenant.domains[-1]}"
    user = read_table(f"user {upn!r}", "users", {"userPrincipalName": upn} | entry)
    check_known(user.place, "verified domain", upn.rpartition("@")[2].lower(), tenant.domains)
    with directory.transaction():
        created = format_iso(directory.clock.now())
        record = draft_described_user(tenant, user, created)
        row = directory.objects.create(tenant, "user", record)
        if manager is not None:
            directory.links.add(tenant, "manager", row, find_object(directory, tenant, manager))
        for role in user.values.get("roles", ()):
            directory.role_members.assign(tenant, upn, role)
        if licenses := user.values.get("licenses"):
            assign_licenses(directory, tenant, upn, licenses)
    return _show(directory, tenant, record["id"])


def add_group(
    directory: Directory,
    tenant: Tenant,
    name: str,
    entry: Record,
    *,
    members: Iterable[Named] = (),
    owners: Iterable[Named] = (),
) -> Record:
    """
    A group, by default a security group.

    Args:
        directory: where.
        tenant: whose.
        name: what people see.
        entry: the other properties that a table of groups has in a tenant file.
        members: users, groups or service principals.
        owners: users or service principals.

    Raises:
        TenantFileError: a property is unknown, or has no such value.
        LookupError: there is no such member or owner.
    """
    group = read_table(f"group {name!r}", "groups", {"displayName": name} | entry)
    with directory.transaction():
        created = format_iso(directory.clock.now())
        record = draft_described_group(tenant, group, created)
        row = directory.objects.create(tenant, "group", record)
        for relation, names in (("members", members), ("owners", owners)):
            for one in names:
                linked = find_object(directory, tenant, one)
                directory.links.add(tenant, relation, row, linked)
    return _show(directory, tenant, record["id"])


def assign_licenses(
    directory: Directory, tenant: Tenant, user: Named, products: Iterable[str]
) -> None:
    """
    Let a user have these products besides those they have; what the tenant lacks, it buys.

    Raises:
        TenantFileError: there is no such product.
        LookupError: there is no such user.
    """
    by_name = {sku.name: sku.id for sku in SKUS}
    with directory.transaction():
        row = find_object(directory, tenant, user)
        entries = {entry["skuId"]: entry for entry in directory.licences.read_own(row)}
        for name in products:
            check_known("licenses", "product", name, by_name)
            entries[by_name[name]] = {"disabledPlans": [], "skuId": by_name[name]}
        bought = directory.licences.read_subscriptions(tenant)
        if not entries.keys() <= bought.keys():
            directory.licences.add_subscriptions(
                tenant, {key: one.consumed for key, one in bought.items()}
            )
        directory.licences.assign(tenant, row, entries.values())


def find_object(directory: Directory, tenant: Tenant, named: Named) -> StoredObject:
    """
    The object that is meant.

    Raises:
        LookupError: there is none.
    """
    key = named if isinstance(named, str) else str(named["id"])
    row = directory.objects.find(tenant, key, kind="user" if "@" in key else None)
    if row is None:
        raise LookupError(f"the tenant has no object {key!r}")
    return row


def _show(directory: Directory, tenant: Tenant, object_id: str) -> Record:
    """The object with all that is stored of it."""
    record: Record = msgspec.json.decode(find_object(directory, tenant, object_id).doc)
    return record
