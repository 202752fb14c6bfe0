"""What is known of each collection of the directory: columns, permission, how to divide it."""

from typing import NamedTuple

from graphdaemon.graph.address import split_version


class Key(NamedTuple):
    """
    A property that is never null, by whose values a listing can be divided.

    Attributes:
        name: The property.
        signs: Every character that a value can begin with; empty where that is not certain.
    """

    name: str
    signs: str = ""


class Collection(NamedTuple):
    """
    One collection of Microsoft Graph.

    Attributes:
        name: Its name and its path below the Graph version, such as `users`.
        columns: The properties that a table shows by default.
        role: The least application permission that gives every property.
        sortable: Properties that `$orderby` takes without the advanced query index.
        advanced: Properties that `$filter` takes only with it.
        key: The property that a listing is divided by; None if none is known to be never null.
        delta: Whether Graph tells of its changes (a delta).
        counted: Whether Graph says how many objects it has (`$count`).
        takes_ids: Whether `$filter` can name the objects to show by their IDs (`id in (…)`).
        expands: What else can be read of each record, each at a path of that name below it.
    """

    name: str
    columns: tuple[str, ...]
    role: str
    sortable: frozenset[str] = frozenset()
    advanced: frozenset[str] = frozenset()
    key: Key | None = None
    delta: bool = False
    counted: bool = True
    takes_ids: bool = True
    expands: frozenset[str] = frozenset()


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
        Key("userPrincipalName"),
        delta=True,
        expands=frozenset(
            "manager memberOf transitiveMemberOf directReports licenseDetails ownedObjects "
            "registeredDevices".split()
        ),
    ),
    Collection(
        "groups",
        ("displayName", "mail", "groupTypes", "id"),
        "GroupMember.Read.All",
        frozenset({"displayName"}),
        frozenset({"createdDateTime", "description", "expirationDateTime"}),
        Key("displayName"),
        delta=True,
        expands=frozenset("members owners transitiveMembers memberOf".split()),
    ),
    Collection(
        "devices",
        ("displayName", "operatingSystem", "operatingSystemVersion", "id"),
        "Device.Read.All",
        advanced=frozenset({"registrationDateTime"}),
        key=Key("displayName"),
        delta=True,
        expands=frozenset("registeredOwners registeredUsers memberOf".split()),
    ),
    Collection(
        "applications",
        ("displayName", "appId", "signInAudience", "id"),
        "Application.Read.All",
        advanced=frozenset({"description", "notes"}),
        key=Key("displayName"),
        delta=True,
        expands=frozenset("owners federatedIdentityCredentials".split()),
    ),
    Collection(
        "servicePrincipals",
        ("displayName", "appId", "servicePrincipalType", "id"),
        "Application.Read.All",
        advanced=frozenset({"appOwnerOrganizationId"}),
        # displayName may be null here; appId is a GUID, always.
        key=Key("appId", "0123456789abcdef"),
        delta=True,
        expands=frozenset("owners memberOf appRoleAssignments appRoleAssignedTo".split()),
    ),
    # Source: "List administrativeUnits".
    Collection(
        "directory/administrativeUnits",
        ("displayName", "description", "visibility", "id"),
        "AdministrativeUnit.Read.All",
        sortable=frozenset({"displayName"}),
        advanced=frozenset({"description"}),
        delta=True,
        expands=frozenset({"members"}),
    ),
    # Source: "List directoryRoles": `$filter` with `eq` alone, all of them in one answer.
    Collection(
        "directoryRoles",
        ("displayName", "description", "roleTemplateId", "id"),
        "RoleManagement.Read.Directory",
        delta=True,
        takes_ids=False,
        expands=frozenset({"members"}),
    ),
    # Source: "List oauth2PermissionGrants (delegated permission grants)"; of the ID Graph says
    # "Filter is invalid. id" (microsoft-graph-docs#13894).
    Collection(
        "oauth2PermissionGrants",
        ("clientId", "consentType", "resourceId", "scope", "id"),
        "Directory.Read.All",
        delta=True,
        counted=False,
        takes_ids=False,
    ),
)

CATALOG = {collection.name: collection for collection in _COLLECTIONS}


def find_collection(path: str) -> Collection:
    """
    Return the collection at `path`; if it is unknown, one that nothing is assumed of.

    A version of Graph at the beginning, as in `/beta/users`, is no part of its name.
    """
    _, name = split_version(path)
    return CATALOG.get(name) or Collection(name, ("displayName", "id"), "")
