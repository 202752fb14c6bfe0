"""The collections of the directory: their columns and permissions, and how each can be divided."""

from typing import NamedTuple

from graphdaemon.graph.address import split_version


class Key(NamedTuple):
    """
    A property that is never null, so that a listing can be divided by ranges of its values.

    Attributes:
        name: The name of the property.
        signs: Every character that a value can begin with; empty if they are not known for sure.
    """

    name: str
    signs: str = ""


class Collection(NamedTuple):
    """
    One collection of Microsoft Graph.

    Attributes:
        name: Its name and its path below the Graph version, such as `users`.
        columns: The properties that a table shows by default.
        role: The least application permission with which every property can be read; empty if it
            is not known.
        sortable: Properties that `$orderby` takes without an advanced query.
        advanced: Properties that `$filter` takes only in an advanced query.
        key: The property by which a listing is divided; None if no property is known to be never
            null.
        delta: Whether the collection has a delta query (`/delta`).
        counted: Whether Graph tells the number of its objects (`$count`).
        takes_ids: Whether `$filter` can select objects by their IDs (`id in (…)`).
        expands: Further collections or objects that can be read of each record, each at a path of
            its name below the record, such as `manager` at `users/{id}/manager`.
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
    # Source: "List directoryRoles": `$filter` takes only `eq`, and one answer has all the roles.
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
    Return the collection at `path`; an unknown one has neither key nor permission nor delta.

    A version of Graph at the beginning of `path`, as in `/beta/users`, is left out of the name.
    """
    _, name = split_version(path)
    return CATALOG.get(name) or Collection(name, ("displayName", "id"), "")
