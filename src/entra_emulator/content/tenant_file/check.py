"""Whether the tables of a tenant file fit one another, and what this program knows."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from entra_emulator.clock import parse_iso
from entra_emulator.content.tenant_file.description import (
    DescribedTable,
    TenantDescription,
    TenantFileError,
    check_known,
    check_permission,
)
from entra_emulator.model.applications import read_certificate
from entra_emulator.model.directory_roles import ROLES
from entra_emulator.model.membership_rule import MembershipRuleError, read_rule
from entra_emulator.model.products import SKUS
from entra_emulator.private_files import read_small_file

_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
# "The following characters are allowed: A-Z, a-z, 0-9, ' . - _ ! # ^ ~" (user resource type); the
# dollar sign is recorded (Azure CLI).
_LOCAL = re.compile(r"[A-Za-z0-9'._\-!#^~$]{1,64}")
_AUDIENCES = ("AzureADMyOrg", "AzureADMultipleOrgs")
_PRODUCTS = tuple(sku.name for sku in SKUS)
# What a drawn tenant has of its own.
_DRAWN = ("name", "id", "domains", "region")


def check_description(description: TenantDescription) -> None:
    """Refuse, with `TenantFileError`, a description whose parts contradict each other."""
    _check_tenant(description)
    _check_unique("userPrincipalName", description.users)
    _check_addresses(description.users)
    # Members are named by one name, so that a group and an application may not share it.
    _check_unique("displayName", [*description.groups, *description.applications])
    _check_ids(description)
    for user in description.users:
        _check_user(description, user)
    _check_units(description)
    for group in description.groups:
        _check_group(description, group)
    for application in description.applications:
        _check_application(description, application)


def load_certificates(path: Path, application: DescribedTable) -> list[bytes]:
    """The certificates of an application in DER, from files named as seen from the tenant file."""
    return [
        _load_certificate(application.place, path.parent / name)
        for name in application.values.get("certificates", ())
    ]


def _load_certificate(place: str, path: Path) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        der = x509.load_pem_x509_certificate(read_small_file(path)).public_bytes(Encoding.DER)
        read_certificate(der)
    except OSError as error:
        raise TenantFileError(f"{place}: {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise TenantFileError(
            f"{place}: {path} holds no certificate with an RSA key in PEM. Make one with "
            "`graphdaemon certificate new`."
        ) from None
    return der


def _check_tenant(description: TenantDescription) -> None:
    values, path = description.tenant.values, description.path
    if description.seed is not None:
        stated = [name for name in _DRAWN if name in values]
        stated += ["licenses"] if description.licenses is not None else []
        if stated:
            raise TenantFileError(
                f"{path}: a tenant that [seed] draws has {stated[0]} already. Remove one of "
                "the two."
            )
    if not description.domains:
        raise TenantFileError(f"{path}: domains is empty. Name one, or leave the key out.")
    for domain in description.domains:
        if not _DOMAIN.fullmatch(domain):
            raise TenantFileError(
                f"{path}: {domain!r} is no domain. Write one such as contoso.example."
            )


def _check_unique(name: str, entries: Iterable[DescribedTable]) -> None:
    places: dict[str, str] = {}
    for entry in entries:
        other = places.setdefault(entry.values[name].casefold(), entry.place)
        if other != entry.place:
            raise TenantFileError(
                f"{entry.place}: {name} is that of {other.partition(': ')[2]}. Rename one of the "
                "two."
            )


def _check_addresses(users: Iterable[DescribedTable]) -> None:
    places: dict[str, str] = {}
    for user in users:
        address = user.properties.get("mail")
        if address and places.setdefault(address.casefold(), user.place) != user.place:
            other = places[address.casefold()].partition(": ")[2]
            raise TenantFileError(f"{user.place}: mail is that of {other}. Give it another.")


def _check_ids(description: TenantDescription) -> None:
    places: dict[str, str] = {}
    for entry in (*description.users, *description.groups, *description.applications):
        for name in ("id", "appId"):
            if name in entry.values:
                other = places.setdefault(entry.values[name], entry.place)
                if other != entry.place:
                    raise TenantFileError(
                        f"{entry.place}: {name} is that of {other.partition(': ')[2]}. Give it "
                        "another, or none."
                    )


def _check_user(description: TenantDescription, user: DescribedTable) -> None:
    local, _, domain = user.values["userPrincipalName"].rpartition("@")
    if not _LOCAL.fullmatch(local) or domain.lower() not in description.domains:
        raise TenantFileError(
            f"{user.place}: userPrincipalName must be a name without spaces and a domain of the "
            f"tenant: {', '.join(f'name@{one}' for one in description.domains)}."
        )
    for product in user.values.get("licenses", ()):
        check_known(user.place, "product", product, _PRODUCTS)
    for role in user.values.get("roles", ()):
        check_known(user.place, "directory role", role, tuple(ROLES))
    manager = user.values.get("manager")
    if manager is not None:
        _check_names(description, f"{user.place}, manager", [manager], ())
        if manager.casefold() == user.values["userPrincipalName"].casefold():
            raise TenantFileError(f"{user.place}: nobody is their own manager. Name another user.")


def _check_units(description: TenantDescription) -> None:
    """Every unit that a user has must have been bought."""
    if description.licenses is None:
        return
    place = f"{description.path}: licenses"
    for product in description.licenses:
        check_known(place, "product", product, _PRODUCTS)
    for product in _PRODUCTS:
        used = sum(product in user.values.get("licenses", ()) for user in description.users)
        bought = description.licenses.get(product, 0)
        if used > bought:
            raise TenantFileError(
                f"{place}: {used} users have {product}, and {bought} units are bought. Write "
                f"{product} = {used} or more."
            )


def _check_group(description: TenantDescription, group: DescribedTable) -> None:
    applications = [one.values["displayName"] for one in description.applications]
    groups = [one.values["displayName"] for one in description.groups]
    members, owners = group.values.get("members", ()), group.values.get("owners", ())
    _check_names(description, f"{group.place}, members", members, [*groups, *applications])
    _check_names(description, f"{group.place}, owners", owners, applications)
    if group.values["displayName"].casefold() in {name.casefold() for name in members}:
        raise TenantFileError(f"{group.place}: a group is no member of itself. Remove its name.")
    rule = group.properties.get("membershipRule")
    if rule:
        _check_rule(group, rule)
    if members and rule:
        raise TenantFileError(
            f"{group.place}: its membershipRule chooses the members. Remove it, or `members`."
        )
    for entry in description.applications:
        named = entry.values["displayName"].casefold()
        if entry.values.get("servicePrincipal") is False and named in {
            name.casefold() for name in (*members, *owners)
        }:
            raise TenantFileError(
                f"{group.place}: the application {entry.values['displayName']!r} has no service "
                "principal. Remove `servicePrincipal = false` there."
            )


def _check_rule(group: DescribedTable, rule: str) -> None:
    try:
        read_rule(rule)
    except MembershipRuleError as error:
        raise TenantFileError(
            f"{group.place}: membershipRule cannot be followed: {error}. Write one such as "
            "'user.department -eq \"Sales\"'."
        ) from None


def _check_application(description: TenantDescription, application: DescribedTable) -> None:
    place, values = application.place, application.values
    _check_names(description, f"{place}, owners", values.get("owners", ()), ())
    check_known(place, "signInAudience", values.get("signInAudience", _AUDIENCES[0]), _AUDIENCES)
    for scope in values.get("delegatedPermissions", ()):
        check_permission(place, scope, delegated=True)
    for permission in values.get("permissions", ()):
        _check_permission(description, place, permission)
    needing = [
        name
        for name in ("appRoles", "identifierUri", "permissions", "delegatedPermissions")
        if values.get(name) and (values.get("consent", True) or "ermissions" not in name)
    ]
    if values.get("servicePrincipal") is False and needing:
        raise TenantFileError(
            f"{place}: {needing[0]} needs a service principal. Remove one of the two"
            f"{', or write `consent = false`' if 'ermissions' in needing[0] else ''}."
        )
    for secret in values.get("secrets", ()):
        start, end = (secret.values.get(name) for name in ("startDateTime", "endDateTime"))
        if start and end and parse_iso(end) <= parse_iso(start):
            raise TenantFileError(f"{secret.place}: it ends before it starts. Correct a time.")
    texts = [one.values["text"] for one in values.get("secrets", ())]
    texts += [values["secret"]] if "secret" in values else []
    if len(set(texts)) < len(texts):
        # Without the value, since what is printed ends in logs.
        raise TenantFileError(f"{place}: two of its secrets have one text. Change one of them.")
    load_certificates(description.path, application)


def _check_permission(description: TenantDescription, place: str, permission: str) -> None:
    name, slash, role = permission.rpartition("/")
    if not slash:
        check_permission(place, permission)
        return
    apis = {one.values["displayName"]: one for one in description.applications}
    check_known(place, "application", name, apis)
    offered = [one.values["value"] for one in apis[name].values.get("appRoles", ())]
    check_known(place, f"app role of {name}", role, offered)


def _check_names(
    description: TenantDescription, place: str, names: Iterable[str], others: Collection[str]
) -> None:
    """Every name must be a user's or one of the others'; those of drawn users are not known yet."""
    users = {one.values["userPrincipalName"].casefold() for one in description.users}
    folded = {name.casefold() for name in others}
    for name in names:
        if "@" in name:
            if description.seed is None and name.casefold() not in users:
                known = [one.values["userPrincipalName"] for one in description.users]
                check_known(place, "user", name, known)
        elif name.casefold() not in folded:
            check_known(place, "group or application" if others else "user", name, others)
