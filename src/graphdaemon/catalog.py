"""The collections of the directory as data: where each is, what to show of it, what it needs."""

from __future__ import annotations

from typing import NamedTuple


class Collection(NamedTuple):
    """
    One collection of Microsoft Graph.

    Attributes:
        name: Its name and path, such as ``users``.
        columns: What a table shows by default.
        role: The application permission to ask for (the least that gives every property).
        sortable: Properties that ``$orderby`` takes without the advanced query index.
        advanced: Properties that ``$filter`` takes only with it.
    """

    name: str
    columns: tuple[str, ...]
    role: str
    sortable: frozenset[str] = frozenset()
    advanced: frozenset[str] = frozenset()


# Source: "Advanced query capabilities on directory objects" on learn.microsoft.com, 2024-10.
_COLLECTIONS = (
    Collection(
        "users",
        ("displayName", "userPrincipalName", "jobTitle", "id"),
        "User.Read.All",
        frozenset({"displayName", "userPrincipalName"}),
        frozenset(
            "assignedPlans businessPhones companyName employeeHireDate employeeType faxNumber "
            "mobilePhone officeLocation onPremisesDistinguishedName onPremisesSamAccountName "
            "onPremisesExtensionAttributes postalCode preferredLanguage provisionedPlans "
            "streetAddress".split()
        ),
    ),
    Collection(
        "groups",
        ("displayName", "mail", "groupTypes", "id"),
        "GroupMember.Read.All",
        frozenset({"displayName"}),
        frozenset({"createdDateTime", "description", "expirationDateTime"}),
    ),
    Collection(
        "devices",
        ("displayName", "operatingSystem", "operatingSystemVersion", "id"),
        "Device.Read.All",
        advanced=frozenset({"registrationDateTime"}),
    ),
    Collection(
        "applications",
        ("displayName", "appId", "signInAudience", "id"),
        "Application.Read.All",
        advanced=frozenset({"description", "notes"}),
    ),
    Collection(
        "servicePrincipals",
        ("displayName", "appId", "servicePrincipalType", "id"),
        "Application.Read.All",
        advanced=frozenset({"appOwnerOrganizationId"}),
    ),
)

CATALOG = {collection.name: collection for collection in _COLLECTIONS}


def find_collection(path: str) -> Collection:
    """The catalogue's row for ``path``, or one that knows nothing special about it."""
    name = path.strip("/")
    return CATALOG.get(name) or Collection(name, ("displayName", "id"), "Directory.Read.All")
