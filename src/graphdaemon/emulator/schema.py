"""
Which properties each type has: declared, default, selectable, filterable.

Types come from Microsoft's published CSDL (data/schema.json, written by
tools/generate_schema.py); the filter table from the "$filter" include of the
Graph documentation (microsoft-graph-docs-contrib
concepts/includes/directory-objects-filter.md, October 2024).
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

__all__ = [
    "BASIC_USER",
    "DEFAULT_USER",
    "FILTERS",
    "SINGLE_USER_ONLY",
    "AppRole",
    "Scope",
    "Support",
    "app_roles",
    "blank",
    "canonical",
    "declared",
    "default",
    "scopes",
]

# Recorded order of lists and of single users, 130 of 130; a POST's answer has id first.
DEFAULT_USER = (
    "businessPhones",
    "displayName",
    "givenName",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
    "id",
)

# What User.ReadBasic.All shows (permissions reference); everything else reads as null.
BASIC_USER = frozenset(
    {"displayName", "givenName", "id", "mail", "securityIdentifier", "surname", "userPrincipalName"}
)

# Selecting these on the collection is answered 501 (microsoft-graph-docs#7555, #3878).
SINGLE_USER_ONLY = frozenset(
    {
        "aboutMe",
        "birthday",
        "hireDate",
        "interests",
        "mailboxSettings",
        "mySite",
        "pastProjects",
        "preferredName",
        "responsibilities",
        "schools",
        "skills",
    }
)


class AppRole(NamedTuple):
    """An application permission of Microsoft Graph."""

    id: str
    value: str
    display_name: str


class Scope(NamedTuple):
    """
    A delegated permission of Microsoft Graph; restricted ones need an administrator's consent.

    `admin_text` and `user_text` are what consent pages call it.
    """

    id: str
    value: str
    admin_text: str
    user_text: str
    restricted: bool


class Support(NamedTuple):
    """
    Where a property can be filtered.

    Each is "D" (always), "A" (advanced queries only) or "" (never); the
    columns are `eq`, `startswith`, `ge`/`le` and `eq null`.
    """

    eq: str
    startswith: str
    range: str
    null: str


def _user_filters() -> dict[str, Support]:
    table: dict[str, Support] = {}
    rows = {
        "userPrincipalName": ("D", "D", "", ""),
        "displayName department city mail": ("D", "D", "", "A"),
        "givenName surname jobTitle country state usageLocation mailNickname": ("D", "D", "", "A"),
        "companyName": ("A", "A", "", "A"),
        "accountEnabled ageGroup creationType externalUserState isResourceAccount "
        "onPremisesImmutableId": ("D", "", "", ""),
        "userType onPremisesSyncEnabled onPremisesSecurityIdentifier employeeId": (
            "D",
            "",
            "",
            "A",
        ),
        "createdDateTime": ("", "", "D", "A"),
        "onPremisesLastSyncDateTime": ("", "", "D", "A"),
        "employeeHireDate": ("", "", "A", "A"),
        "employeeType officeLocation mobilePhone faxNumber postalCode streetAddress "
        "preferredLanguage onPremisesSamAccountName onPremisesDistinguishedName": (
            "A",
            "A",
            "",
            "A",
        ),
        "id": ("D", "", "", ""),
    }
    for names, columns in rows.items():
        table |= dict.fromkeys(names.split(), Support(*columns))
    return table


FILTERS: Mapping[str, Mapping[str, Support]] = {"user": _user_filters()}


@cache
def declared(kind: str) -> Mapping[str, str]:
    """The type's declared properties with their EDM types, e.g. `Edm.Boolean`."""
    types: dict[str, dict[str, str]] = _load("schema.json")["types"]
    return types[kind]


def canonical(kind: str, name: str) -> str | None:
    """
    The property's name as the service writes it, or None when it has none.

    Names match without regard to case; `extension_{appId}_{name}` is a
    directory extension and counts as declared.
    """
    found = _folded(kind).get(name.casefold())
    if found is None and name.startswith("extension_") and name.isidentifier():
        return name
    return found


def blank(kind: str, name: str) -> list[Any] | None:
    """How an unset property reads: an empty collection, otherwise null."""
    return [] if declared(kind).get(name, "").startswith("Collection(") else None


@cache
def default(kind: str) -> tuple[str, ...]:
    """The properties that are answered without `$select`, in the recorded order."""
    if kind == "user":
        return DEFAULT_USER
    return ("id", *(name for name in declared(kind) if name != "id"))


@cache
def app_roles() -> tuple[AppRole, ...]:
    """Microsoft Graph's application permissions, ordered by value."""
    return tuple(AppRole(*row) for row in _load("roles.json")["roles"])


@cache
def scopes() -> tuple[Scope, ...]:
    """Microsoft Graph's delegated permissions, ordered by value."""
    return tuple(Scope(*row) for row in _load("scopes.json")["scopes"])


@cache
def _folded(kind: str) -> dict[str, str]:
    return {name.casefold(): name for name in declared(kind)}


def _load(name: str) -> Any:
    return msgspec.json.decode(files(__package__).joinpath("data", name).read_bytes())
