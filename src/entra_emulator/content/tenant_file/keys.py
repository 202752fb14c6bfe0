"""The keys of a tenant file: what may stand in which table, in which form, and what it means."""

from typing import NamedTuple


class Key(NamedTuple):
    """
    A key of a table.

    Args:
        name: as it is written in the file.
        form: one of "text", "texts", "flag", "number", "time", "GUID", "table" and "tables".
        meaning: for the reference page.
        required: every table must have it.
    """

    name: str
    form: str
    meaning: str
    required: bool = False


# By the table's name in the file; "" is the beginning of the file, before any table.
TABLES: dict[str, tuple[Key, ...]] = {
    "": (
        Key("name", "text", "what the tenant is called; by default Contoso"),
        Key("id", "GUID", "the tenant ID; by default made of the first domain, always the same"),
        Key(
            "domains",
            "texts",
            "verified domains, the initial one first; by default contoso.onmicrosoft.com",
        ),
        Key("region", "text", "the `tenant_region_scope` of its tokens; by default EU"),
        Key("seed", "table", "fill the tenant with drawn objects first"),
        Key(
            "licenses",
            "table",
            "units bought of each product, by `skuPartNumber`; by default some of each",
        ),
        Key("users", "tables", "the users"),
        Key("groups", "tables", "the groups"),
        Key("applications", "tables", "the applications"),
    ),
    "seed": (
        Key("users", "number", "how many users; by default 250"),
        Key("groups", "number", "how many groups; by default one for every twenty users"),
        Key("devices", "number", "how many devices; by default one for every five users"),
        Key("seed", "number", "the same seed makes the same objects; by default 0"),
    ),
    "users": (
        Key("userPrincipalName", "text", "`name@domain`, of a verified domain", required=True),
        Key("id", "GUID", "the object ID; by default made of tenant and name, always the same"),
        Key("manager", "text", "the user principal name of the manager"),
        Key("licenses", "texts", "products that the user has, by `skuPartNumber`"),
        Key("roles", "texts", "directory roles, such as Global Administrator"),
    ),
    "groups": (
        Key("displayName", "text", "what the group is called, as no other is", required=True),
        Key("id", "GUID", "the object ID; by default made of tenant and name, always the same"),
        Key(
            "members",
            "texts",
            "user principal names, and names of groups and applications in this file",
        ),
        Key("owners", "texts", "user principal names, and names of applications in this file"),
    ),
    "applications": (
        Key("displayName", "text", "what the application is called, as no other is", required=True),
        Key("appId", "GUID", "the client ID; by default made of tenant and name, always the same"),
        Key("secret", "text", "a client secret that is valid for two years"),
        Key("secrets", "tables", "client secrets with times, such as one that has expired"),
        Key("certificates", "texts", "files of certificates in PEM, seen from the tenant file"),
        Key("federatedIdentityCredentials", "tables", "token issuers that are trusted"),
        Key(
            "permissions",
            "texts",
            "app roles of Microsoft Graph, such as User.Read.All; of an application in this file "
            "`NAME/ROLE`",
        ),
        Key("delegatedPermissions", "texts", "scopes of Microsoft Graph, such as User.Read"),
        Key("consent", "flag", "the permissions are granted, for everybody; by default true"),
        Key("owners", "texts", "user principal names"),
        Key("redirectUris", "texts", "redirect addresses of the web platform"),
        Key("publicRedirectUris", "texts", "redirect addresses for mobile and desktop"),
        Key("allowPublicClient", "flag", "it may use flows without a credential"),
        Key(
            "signInAudience",
            "text",
            "AzureADMyOrg, by default, or AzureADMultipleOrgs for other tenants too",
        ),
        Key("servicePrincipal", "flag", "it is in the tenant, not only registered; default true"),
        Key("identifierUri", "text", "the name of the API that it is; by default api://{appId}"),
        Key("appRoles", "tables", "application permissions that it offers as an API"),
    ),
    "applications.secrets": (
        Key("text", "text", "the secret's value", required=True),
        Key("displayName", "text", "what it is called"),
        Key("startDateTime", "time", "valid from; by default from the making of the tenant"),
        Key("endDateTime", "time", "valid until; by default two years later"),
    ),
    "applications.federatedIdentityCredentials": (
        Key("name", "text", "what it is called", required=True),
        Key("issuer", "text", "the `iss` of the tokens, an https address", required=True),
        Key("subject", "text", "their `sub`", required=True),
        Key("audience", "text", "their `aud`; by default api://AzureADTokenExchange"),
    ),
    "applications.appRoles": (
        Key("value", "text", "what stands in `roles` of a token", required=True),
        Key("displayName", "text", "what consent pages call it; by default the value"),
    ),
}

# Tables that take every other property of this Graph type, under Graph's own name.
OPEN = {"users": "user", "groups": "group"}
