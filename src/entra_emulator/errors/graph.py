"""
Microsoft Graph's refusals: status, error code and message of each, by a word of this program.

Each row's `evidence` says whether they are as recorded, as quoted in public issues, as documented,
or chosen. What is recorded stands in the recorded answers of public test suites.
"""

from typing import NamedTuple


class GraphRow(NamedTuple):
    """
    One refusal of Graph.

    Args:
        message: has names in braces, for the values of one request.
        evidence: where status, code and message come from.
        gateway: see `GraphRefusal`.
        detail: the code of the entry in `details` that names the wrong property; empty without.
    """

    status: int
    code: str
    message: str
    evidence: str
    gateway: bool = False
    detail: str = ""


def _bad_request(message: str, evidence: str, detail: str = "") -> GraphRow:
    return GraphRow(400, "Request_BadRequest", message, evidence, detail=detail)


# The directory refuses so what it cannot answer. A query that does not parse never reaches it, and
# the gateway's code for that is BadRequest (both are quoted in microsoft-graph-docs#14036).
def _unsupported_query(message: str, evidence: str) -> GraphRow:
    return GraphRow(400, "Request_UnsupportedQuery", message, evidence)


def _same_key(message: str, evidence: str, detail: str = "") -> GraphRow:
    code = "Request_MultipleObjectsWithSameKeyValue"
    return GraphRow(409, code, message, evidence, detail=detail)


def _gateway(message: str, evidence: str) -> GraphRow:
    """A refusal before the directory is asked."""
    return GraphRow(400, "BadRequest", message, evidence, gateway=True)


def _bad_token(message: str, evidence: str) -> GraphRow:
    return GraphRow(401, "InvalidAuthenticationToken", message, evidence, gateway=True)


GRAPH_REFUSALS: dict[str, GraphRow] = {
    # Who is asking
    "token_empty": _bad_token(
        "Access token is empty.", "quoted: msgraph-sample-reactspa#54, msgraph-sdk-powershell#2731"
    ),
    "token_shapeless": _bad_token(
        "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS "
        "or JWE Compact Serialization Format. (JWS): 'EncodedHeader.EndcodedPayload."
        "EncodedSignature'. (JWE): 'EncodedProtectedHeader.EncodedEncryptedKey."
        "EncodedInitializationVector.EncodedCiphertext.EncodedAuthenticationTag'.",
        "recorded 2024 in OpenProject's tests, the typing error is the service's",
    ),
    "token_undecodable": _bad_token(
        "IDX14102: Unable to decode the header '[PII of type "
        "'Microsoft.IdentityModel.Logging.SecurityArtifact' is hidden. For more details, see "
        "https://aka.ms/IdentityModel/PII.]' as Base64Url encoded string.",
        "recorded 2025 in OpenProject's tests",
    ),
    "token_expired": _bad_token(
        "Lifetime validation failed, the token is expired.", "recorded 2024 in OpenProject's tests"
    ),
    "token_early": _bad_token("Lifetime validation failed, the token is not yet valid.", "chosen"),
    "token_foreign": _bad_token(
        "Access token validation failure. Invalid audience.",
        "quoted: microsoft-graph-docs#4752, #16208",
    ),
    "token_forged": _bad_token(
        "Access token validation failure.", "quoted: salvoravida/react-adal#66"
    ),
    "token_revoked": _bad_token(
        "Continuous access evaluation resulted in claims challenge with result: "
        "InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
        "recorded 2021 for a user in the tests of azure-sdk-for-js; for applications by analogy",
    ),
    # It is known with 401 and with 403, so that clients have to tell it by its code.
    "caller_unknown": GraphRow(
        401,
        "Authorization_IdentityNotFound",
        "The identity of the calling application could not be established.",
        'documented: Azure AD Graph, "Error codes and error handling"',
    ),
    "forbidden": GraphRow(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
        "recorded 179 times",
    ),
    "me_without_user": _gateway(
        "/me request is only valid with delegated authentication flow.",
        "recorded 2022 in the tests of azure-cli-extensions",
    ),
    # The path
    "host_unknown": GraphRow(
        421,
        "BadRequest",
        "The emulator does not answer for the host '{host}'.",
        "chosen, against DNS rebinding",
        gateway=True,
    ),
    "address_too_long": _gateway(
        "The address has {length} characters. Max allowed: 16384.",
        "limit quoted: microsoft-graph-explorer-v4#3184; text chosen",
    ),
    "version_unknown": GraphRow(
        404,
        "ResourceNotFound",
        "Invalid version: {version}",
        "quoted 2022 in the documentation of Swimlane's connectors",
        gateway=True,
    ),
    "segment_unknown": _gateway("Resource not found for the segment '{segment}'.", "documented"),
    "path_unserved": GraphRow(
        501,
        "NotImplemented",
        "This emulator does not serve {method} {path}, which Microsoft Graph has: see "
        "docs/reference/fidelity.md.",
        "chosen; the code is quoted: microsoft-graph-docs#7555",
        gateway=True,
    ),
    "method_wrong": GraphRow(
        405,
        "Request_BadRequest",
        "Specified HTTP method is not allowed for the request target.",
        "quoted: microsoft-graph-docs#5869; code chosen",
        gateway=True,
    ),
    "object_missing": GraphRow(
        404,
        "Request_ResourceNotFound",
        "Resource '{key}' does not exist or one of its queried reference-property objects are "
        "not present.",
        "recorded 77 times in the tests of Azure CLI",
    ),
    "id_malformed": _bad_request("Invalid object identifier '{key}'.", "documented"),
    # The body
    "body_malformed": _gateway(
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload "
        "is of valid JSON format.",
        "quoted: microsoft-graph-docs#3888",
    ),
    "body_too_large": GraphRow(
        413, "BadRequest", "The request is larger than 4 MB.", "chosen", gateway=True
    ),
    # Query options
    "option_repeated": _gateway(
        "Query option '{option}' was specified more than once, but it must be specified at most "
        "once.",
        "text of Microsoft.OData.Core",
    ),
    "option_unknown": _gateway(
        "The query parameter '{option}' is not supported.", "text of Microsoft.AspNetCore.OData"
    ),
    "option_malformed": _gateway(
        "Invalid value '{value}' for {option} query option found. The {option} query option "
        "requires a {type} value.",
        "text of Microsoft.OData.Core",
    ),
    "count_malformed": _gateway(
        "Invalid value '{value}' for $count query option found. Valid values are 'true, false'.",
        "text of Microsoft.OData.Core",
    ),
    "format_refused": _gateway("The format '{value}' is not supported.", "chosen"),
    "not_emulated": GraphRow(
        501,
        "NotImplemented",
        "This emulator does not know {what}: see docs/reference/fidelity.md.",
        "chosen",
        gateway=True,
    ),
    "not_on_collection": GraphRow(
        501,
        "NotImplemented",
        "This operation target is not yet supported.",
        "quoted: microsoft-graph-docs#7555",
    ),
    "select_unknown": _gateway(
        "Parsing OData Select and Expand failed: Could not find a property named '{name}' on "
        "type 'microsoft.graph.{kind}'.",
        "quoted for closed types: docs-contrib#4529; for users chosen, it catches typing errors",
    ),
    "select_malformed": _gateway(
        "Parsing OData Select and Expand failed: Term '{name}' is not valid in a $select or "
        "$expand expression.",
        "quoted: msgraph-sdk-dotnet#1181",
    ),
    "expand_many": _gateway(
        "The result of parsing $expand contained at least 2 items, but the maximum allowed is 1.",
        "quoted: microsoft-graph-docs#96",
    ),
    "expand_scalar": _gateway(
        "Parsing OData Select and Expand failed: Property '{name}' on type "
        "'microsoft.graph.{kind}' is not a navigation property or complex property. Only "
        "navigation properties can be expanded.",
        "text of Microsoft.OData.Core",
    ),
    "expand_option": _unsupported_query(
        "The query option '{option}' is not supported when expanding '{navigation}'.",
        "documented that it is not supported; text chosen",
    ),
    "expand_levels": _unsupported_query(
        "Transitive manager's list is only supported on a single user, send the $expand request "
        "on /users/{{id}} endpoint",
        "quoted: microsoft-graph-docs#18615",
    ),
    "expand_advanced": _unsupported_query(
        "$expand is not supported with advanced query parameters.",
        "documented that it is not supported; text chosen",
    ),
    "levels_malformed": _gateway(
        "Parsing OData Select and Expand failed: Invalid value '{value}' for $levels, which is "
        "'max' or a number between 1 and 1000.",
        "the values are documented; text chosen",
    ),
    "page_size": _unsupported_query(
        "Invalid page size specified: '{size}'. Must be between 1 and 999 inclusive.",
        "quoted: turbot/steampipe-plugin-azuread",
    ),
    "page_size_fixed": _unsupported_query(
        "This resource does not support custom page sizes. Please retry without a page size "
        "argument.",
        "quoted 2020: msgraph-sdk-powershell#349",
    ),
    "skip_refused": _bad_request(
        "'$skip' is not supported by the service.", "quoted: msgraph-sdk-dotnet#348"
    ),
    "page_token_invalid": _bad_request("Invalid Skip Token", "quoted: microsoft-graph-docs#8612"),
    "page_token_expired": GraphRow(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
        "quoted 2023: msgraph-sdk-dotnet#2254",
    ),
    "count_refused": _bad_request(
        "$count is not currently supported.", "quoted 2021: microsoft-graph-docs#15067"
    ),
    "search_refused": _unsupported_query(
        "Request with $search query parameter only works through MSGraph with a special request "
        "header: 'ConsistencyLevel: eventual'",
        "quoted 2021: docs-contrib#3495",
    ),
    "search_malformed": _gateway(
        "{reason}",
        "quoted for a clause without quotes: msgraph-sdk-javascript#525; other reasons chosen",
    ),
    "sort_refused": _unsupported_query(
        "Sorting not supported for current query.", "quoted 2020, 2021: docs-contrib#4187, #3145"
    ),
    "sort_property_refused": _unsupported_query(
        "Unsupported sort property '{name}' for '{kind}'.", "quoted: microsoft-graph-docs#20427"
    ),
    "property_unsupported": _unsupported_query(
        "An unsupported property was specified.", "quoted: microsoft-graph-docs#13246, #20540"
    ),
    "orderby_malformed": _gateway("Invalid orderby clause: {reason}", "chosen"),
    "filter_malformed": _gateway("Invalid filter clause: {reason}", "quoted"),
    "operator_refused": _unsupported_query(
        "Filter operator '{operator}' is not supported.",
        "quoted 2023, 2024: docs-contrib#1071, #9043",
    ),
    "clause_operator_refused": _unsupported_query(
        "Unsupported property filter clause operator '{operator}'.",
        "quoted 2021 for ne: microsoft-graph-docs#14074",
    ),
    "header_missing": _unsupported_query(
        "Operator '{operator}' is not supported because the 'ConsistencyLevel:eventual' header "
        "is missing.",
        "quoted for endsWith; for not by analogy",
    ),
    "query_refused": _unsupported_query(
        "Unsupported Query.", "quoted for endsWith without $count: microsoft-graph-docs#11575"
    ),
    "property_refused": _unsupported_query(
        "Unsupported or invalid query filter clause specified for property '{name}' of resource "
        "'{kind}'.",
        "quoted: docs-contrib#9437",
    ),
    "id_equality_only": _unsupported_query(
        "The 'id' property can only be used with eq filter",
        "quoted: copdips.com, 2024; code chosen",
    ),
    "property_not_indexed": _unsupported_query(
        "The request uses a filter property that is not indexed",
        'documented: "Advanced query capabilities on Microsoft Entra ID objects"',
    ),
    "or_too_long": _unsupported_query(
        "Too many child clauses specified in search filter expression containing 'OR' operators: "
        "{count}. Max allowed: 15.",
        "quoted 2019 in public code",
    ),
    "query_too_long": _unsupported_query(
        "The address of the advanced query has {length} characters. Max allowed: 2048.",
        'limit documented: "Use query parameters to customize responses"; text chosen',
    ),
    "filter_too_high": _unsupported_query(
        "search filter expression has excessive height: {height}. Max allowed: 3",
        "quoted 2018: microsoft-graph-docs#3641; code chosen",
    ),
    "reference_refused": _unsupported_query(
        "The specified filter to the reference property query is currently not supported.",
        "quoted: microsoft-graph-docs#11242",
    ),
    "complex_refused": _unsupported_query(
        "Complex query on property {name} is not supported.",
        "quoted 2021: microsoft-graph-docs#14036",
    ),
    "lambda_refused": _gateway(
        "Filter not supported.", "quoted for all: microsoft-graph-docs#16382"
    ),
    "clause_invalid": _gateway(
        "Invalid filter clause", "quoted for or on assignedLicenses: microsoft-graph-docs#14036"
    ),
    "grant_filter_refused": _unsupported_query(
        "Filter is invalid. {name}", "quoted: msgraph-sdk-powershell#1763"
    ),
    "internal": GraphRow(
        500, "Service_InternalServerError", "Encountered an internal server error.", "chosen"
    ),
    # Writing: the body
    "payload_empty": _gateway(
        "Empty Payload. JSON content expected.",
        "quoted: n8n's node for Microsoft Entra ID, and public bug reports",
    ),
    "payload_shapeless": _gateway(
        "An unexpected '{node}' node was found when reading from the JSON reader. A '{expected}' "
        "node was expected.",
        "text of Microsoft.OData.Core",
    ),
    "literal_wrong": _gateway(
        "Cannot convert the literal '{literal}' to the expected type '{type}'.",
        "quoted 2025: msgraph-sdk-powershell#3304",
    ),
    "property_repeated": _gateway(
        "Multiple properties with the name '{name}' were detected in a resource or a complex "
        "value. OData does not allow duplicate properties.",
        "text of Microsoft.OData.Core",
    ),
    "member_unknown": _gateway(
        "The property '{name}' does not exist on type 'microsoft.graph.{kind}'. Make sure to only "
        "use property names that are defined by the type.",
        "text of Microsoft.OData.Core",
    ),
    "property_unknown": _bad_request(
        "Property '{name}' does not exist as a declared property or extension property.",
        "quoted for reads; for writes by analogy",
    ),
    "extension_unknown": _bad_request(
        "The following extension properties are not available: {name}.",
        "quoted 2021: ms-identity-dotnetcore-b2c-account-management#17",
    ),
    "property_fixed": _bad_request(
        "Property '{name}' is read-only and cannot be set.", "quoted 2023: docs-contrib#1146"
    ),
    "parameter_unknown": _gateway(
        "The parameter '{name}' in the request payload is not a valid parameter for the operation "
        "'{action}'.",
        "text of Microsoft.OData.Core",
    ),
    "value_missing": _bad_request(
        "A value is required for property '{name}' of resource '{resource}'.",
        "quoted 2021, 2025: msgraph-sdk-powershell#3315",
    ),
    "value_invalid": _bad_request(
        "Invalid value specified for property '{name}' of resource '{resource}'.",
        "quoted: docs-contrib, msgraph-sdk-powershell#2087 for an empty text",
        "InvalidValue",
    ),
    "values_repeated": _bad_request(
        "Request contains a property with duplicate values.",
        "quoted: terraform-provider-azuread, and the documented known issue of groups' owners",
    ),
    "object_too_large": _bad_request(
        "The size of the object has exceeded its limit. Please reduce the number of values and "
        "retry your request.",
        "the limit of 1,200 entries is documented; code and where it is checked chosen",
    ),
    # Writing: conflicts with other objects, which are mostly a 400 and not a 409
    "value_taken": _bad_request(
        "Another object with the same value for property {name} already exists.",
        "quoted 2018, 2023: microsoft-graph-docs#1508, docs-contrib#8421",
        "ObjectConflict",
    ),
    "object_taken": _bad_request(
        "A conflicting object with one or more of the specified property values is present in the "
        "directory.",
        "quoted 2019: docs-contrib#6346",
        "ConflictingObjects",
    ),
    # Users
    "name_invalid": _bad_request(
        "Property userPrincipalName is invalid.",
        "quoted in public code of 2019-2026",
        "InvalidValue",
    ),
    "name_foreign": _bad_request(
        "The domain portion of the userPrincipalName property is invalid. You must use one of the "
        "verified domain names in your organization.",
        "quoted, with its details, in the recorded answers of a public test suite of 2024",
        "InvalidValue",
    ),
    "password_missing": _bad_request(
        "A password must be specified to create a new user.", "quoted in public code"
    ),
    "password_weak": _bad_request(
        "The specified password does not comply with password complexity requirements. Please "
        "provide a different password.",
        "quoted in public code",
    ),
    "synced": _bad_request(
        "Unable to update the specified properties for on-premises mastered Directory Sync objects "
        "or objects currently undergoing migration.",
        "quoted in public issues since 2017; which properties those are is chosen",
    ),
    # Groups
    "mail_group": _bad_request(
        "The service does not currently support writes of mail-enabled groups. Please ensure that "
        "the mail-enablement property is unset and the security-enablement property is set.",
        "quoted 2016, 2021: docs-contrib#8276, #3748",
    ),
    "rule_missing": _bad_request(
        "A value is required for property 'membershipRule' of a group with dynamic membership.",
        "that it is refused is quoted: msgraph-sdk-dotnet#2601; text chosen",
    ),
    "rule_untyped": GraphRow(
        400,
        "InvalidObjectTypeException",
        "{reason}",
        "quoted 2024: msgraph-sdk-dotnet#2601; status chosen",
    ),
    "rule_invalid": _bad_request(
        "Dynamic membership rule validation error: {reason}",
        "quoted as the portal shows it: entra-docs#921, azure-docs#16182; some reasons chosen",
    ),
    "rule_senseless": _bad_request(
        "The membership rule is only allowed for groups with dynamic membership.", "chosen"
    ),
    "references_many": _bad_request(
        "The number of references in '{name}' is {count}. Max allowed: 20.",
        "the limit is documented (group-post-groups, group-post-members); text chosen",
    ),
    "owner_last": _bad_request(
        "The group must have at least one owner, hence this owner cannot be removed.",
        "quoted 2021: microsoft-graph-docs#12054",
    ),
    # References
    "reference_present": _bad_request(
        "One or more added object references already exist for the following modified properties: "
        "'{relation}'.",
        "quoted 2017-2025: ansible-collections/azure#1931, #1947",
    ),
    "reference_unfit": _bad_request(
        "The reference target '{item}' of type '{kind}' is invalid for the '{relation}' reference.",
        "quoted in public code for administrative units",
    ),
    "reference_malformed": _bad_request("Invalid URL format specified in payload.", "chosen"),
    "reference_identifier": _unsupported_query(
        "Unsupported referenced-object resource identifier for link property '{relation}'.",
        "quoted: n8n's node for Microsoft Entra ID",
    ),
    "quota_exceeded": GraphRow(
        403,
        "Directory_QuotaExceeded",
        "Unable to perform operation as '{count}' would exceed the maximum quota count '{most}' "
        "for forward-link '{relation}'.",
        "text quoted; limits documented",
    ),
    "update_invalid": _bad_request("Not a valid reference update.", "quoted: docs-contrib#1407"),
    # Applications
    "identifier_foreign": GraphRow(
        400,
        "HostNameNotOnVerifiedDomain",
        "Values of identifierUris property must use a verified domain of the organization or its "
        "subdomain: '{uri}'",
        "quoted 2021: Azure/Industrial-IoT#1432",
    ),
    # The tenant's app management policies
    "uri_not_unique": GraphRow(
        400,
        "InvalidUniqueTenantIdentifierAsPerAppPolicy",
        "Failed to add identifier URI {uri}. All newly added URIs must contain a tenant verified "
        "domain, tenant ID, or app ID, as per the default tenant policy of your organization. See "
        "https://aka.ms/identifier-uri-addition-error for more information on this error.",
        "documented ('Restrictions on identifier URIs'); code quoted 2026 by public programs",
    ),
    "uri_not_default": GraphRow(
        400,
        "InvalidNonDefaultUriAsPerAppPolicy",
        "The newly added URI {uri} must comply with the format 'api://{{appId}}' or "
        "'api://{{tenantId}}/{{appId}}' as per the default app management policy of your "
        "organization. If the requestedAccessTokenVersion is set to 2, this restriction may not "
        "apply. See https://aka.ms/identifier-uri-addition-error for more information on this "
        "error.",
        "text documented ('Restrictions on identifier URIs'); code chosen",
    ),
    "credential_type_refused": GraphRow(
        400,
        "CredentialTypeNotAllowedAsPerAppPolicy",
        "Credential type not allowed as per assigned policy '{policy}'.",
        "quoted 2026 by public programs",
    ),
    "credential_lifetime_refused": GraphRow(
        400,
        "CredentialInvalidLifetimeAsPerAppPolicy",
        "Credential lifetime exceeds the max value allowed as per assigned policy '{policy}'.",
        "quoted 2024-2026 by public programs",
    ),
    "policy_present": _bad_request(
        "The application or service principal already has an app management policy assigned.",
        "documented: only one can be assigned; text chosen",
    ),
    "entitlement_enabled": GraphRow(
        400,
        "CannotDeleteOrUpdateEnabledEntitlement",
        "Permission (scope or role) cannot be deleted or updated unless disabled first.",
        "client code of terraform-provider-azuread",
    ),
    "password_unknown": _bad_request(
        "No password credential found with keyId '{key}'.",
        "quoted up to the ID in public code; the rest chosen",
    ),
    "key_unknown": _bad_request(
        "No key credential found with keyId '{key}'.", "by analogy with passwords"
    ),
    "key_changed": GraphRow(
        400,
        "KeyCredentialsUpdateNotAllowed",
        "Update to existing credential with KeyId '{key}' is not allowed.",
        "quoted: azure-powershell#6784; code chosen",
    ),
    "key_end_wrong": GraphRow(
        400,
        "KeyCredentialsInvalidEndDate",
        "Key credential end date is invalid.",
        "quoted by users of terraform-provider-azuread",
    ),
    "key_unreadable": _bad_request(
        "Key credential value is not a certificate with an RSA key.", "chosen"
    ),
    "proof_invalid": GraphRow(
        401,
        "Authentication_MissingOrMalformed",
        "Access Token missing or malformed.",
        "code documented for proofs that do not verify (application-rolling-prooftoken); text of "
        "the Azure AD Graph error table",
    ),
    "principal_baseless": _bad_request(
        "The appId '{app}' of the service principal does not reference a valid application object.",
        "client code of Azure CLI; details quoted in public code",
        "NoBackingApplicationObject",
    ),
    "principal_foreign": GraphRow(
        403,
        "Authorization_RequestDenied",
        "When using this permission, the backing application of the service principal being "
        "created must in the local tenant",
        "client code of Azure CLI, the grammar is the service's",
    ),
    "principal_internal": _bad_request(
        "Specified App Principal ID is Microsoft Internal.",
        "text quoted 2020 in public scripts that delete every service principal; code chosen",
    ),
    "principal_present": _same_key(
        "The service principal cannot be created, updated, or restored because the service "
        "principal name {app} is already in use.",
        "quoted in Microsoft's documentation of Intune, with details in public code",
        "ObjectConflict",
    ),
    "federated_present": _same_key(
        "FederatedIdentityCredential with name {name} already exists.",
        "quoted in the source of Azure Workload Identity",
    ),
    "federated_limit": _bad_request("{reason}", "limits documented; text chosen"),
    "assignment_present": _bad_request(
        "Permission being assigned already exists on the object",
        "client code of terraform-provider-azuread",
    ),
    "assignment_unfounded": _bad_request(
        "Permission being assigned was not found on application", "quoted in public code"
    ),
    "assignment_malformed": _bad_request(
        "Invalid resource identifier for EntitlementGrant.", "quoted: microsoft-graph-docs#5869"
    ),
    "grant_baseless": _bad_request(
        "Specified resourceId was not found.", "quoted in public code of 2026"
    ),
    "grant_present": _same_key(
        "Permission entry already exists.", "quoted in public code; status also"
    ),
    # Invitations
    "guest_internal": GraphRow(
        400,
        "BadRequest",
        "The invited user already exists in the directory as object ID: {key}. They can use that "
        "account to sign in to shared apps and resources.",
        "quoted 2024: msgraph-beta-sdk-dotnet#798; status and code chosen",
    ),
    "guest_blocked": GraphRow(
        412,
        "BadRequest",
        "The invited user already exists in the directory as object ID: {key}, but the account is "
        "blocked from signing in. If the account is unblocked, they can use that account to sign "
        "in to shared apps and resources.",
        "text quoted in public code, status in msgraph-sdk-php#301; code chosen",
    ),
    "guest_of_own_domain": GraphRow(
        400,
        "BadRequest",
        "This user cannot be invited because the domain of the user's email address is a verified "
        "domain of this directory.",
        "text quoted in public code of 2018-2026; status and code chosen",
    ),
    # Directory roles
    "role_present": _bad_request(
        "A conflicting object with one or more of the specified property values is present in the "
        "directory.",
        "quoted 2020 for role assignments: dod-ccpo/atat#1554",
    ),
    "role_group_unfit": _bad_request(
        "Groups without IsAssignableToRole property set cannot be assigned to roles.",
        "quoted 2020: Microsoft365DSC#879",
    ),
    "role_action_unfit": _bad_request(
        "Action '{action}' is not supported for Custom Role creation",
        "quoted 2022: MicrosoftDocs/azure-docs#100973; which actions those are is chosen",
    ),
    "role_built_in": _bad_request(
        "The built-in role '{name}' cannot be changed or deleted.",
        "documented that it cannot (unifiedroledefinition-update); text chosen",
    ),
    "role_disabled": _bad_request(
        "The role '{name}' is not enabled for assignment.",
        "documented that it is not available (unifiedRoleDefinition); text chosen",
    ),
    "license_missing": GraphRow(
        403,
        "Authorization_RequestDenied",
        "The tenant has no Microsoft Entra ID P1 or P2 license, which {what} need.",
        "documented that they need one (rbacapplication-post-roledefinitions, "
        "groups-dynamic-membership); status, code and text chosen",
    ),
    # Domains
    "domain_present": _bad_request(
        "A domain with name '{name}' is present in a directory already.", "chosen", "ObjectConflict"
    ),
    "domain_verified": _bad_request(
        "Domain '{name}' cannot be removed, because users, groups or applications may use it.",
        "chosen; only unverified domains can be removed here",
    ),
    # Licences
    "parameters_missing": _gateway(
        "One or more parameters of the operation '{action}' are missing from the request payload. "
        "The missing parameters are: {names}.",
        "text of Microsoft.OData.Core",
    ),
    "guid_wrong": _gateway(
        "Cannot convert a primitive value to the expected type 'Edm.Guid'. See the inner exception "
        "for more details.",
        "quoted 2019: microsoft-graph-docs#2853",
    ),
    "location_missing": _bad_request(
        "License assignment cannot be done for user with invalid usage location.",
        "quoted 2022, 2023: KelvinTegelaar/CIPP#783, Partner-Center-DotNet-Samples#131",
    ),
    "license_unknown": _bad_request(
        "License {sku} does not correspond to a valid company License.",
        "quoted in the tests of CLI for Microsoft 365",
    ),
    "license_not_held": _bad_request(
        "User does not have a corresponding license.", "quoted in public code"
    ),
    "license_inherited": _bad_request(
        "User license is inherited from a group membership and it cannot be removed directly from "
        "the user.",
        "quoted in other words 2025: KelvinTegelaar/CIPP#4090",
    ),
    "group_licensed": _bad_request(
        "The group has licenses assigned to it. Remove them before the group is deleted.",
        "that it is refused is documented (Group-based licensing: limitations); words chosen",
    ),
    "license_exhausted": _bad_request(
        "Subscription with SKU {sku} does not have any available licenses.", "quoted in public code"
    ),
    "plan_unknown": _bad_request("Service plan {plan} is not part of license {sku}.", "chosen"),
    # Delta queries. After an old token (a 400) a client has to begin again as after a reset by the
    # service (a 410); the delta query overview leaves open which 40x the first is.
    "delta_option": _unsupported_query(
        "The query option '{option}' is not supported on delta queries.",
        "documented that it is not supported; text chosen",
    ),
    "delta_filter": _unsupported_query(
        "The filter of a delta query is not supported; objects are chosen by their ID only.",
        "documented that it is not supported; text chosen",
    ),
    "delta_many": _unsupported_query(
        "The filter of a delta query has more than {most} objects.",
        "the limit is documented; text chosen",
    ),
    "delta_tokens": _bad_request(
        "Invalid request: Both skiptoken and deltatoken can't be in the same request.",
        "quoted: microsoft/o365-moodle#2535; code chosen",
    ),
    "delta_token_invalid": GraphRow(
        400,
        "syncStateInvalid",
        "The sync state is invalid.",
        "code quoted for Outlook's delta queries; here chosen",
    ),
    "delta_token_expired": GraphRow(
        400,
        "syncStateNotFound",
        "The sync state generation is not found. The delta token is expired and data must be "
        "synchronized again.",
        "documented: Microsoft 365 developer blog, 2020-07-03",
    ),
    "delta_reset": GraphRow(
        410,
        "resyncRequired",
        "The delta token is no longer valid, and the app must reset the sync state.",
        'documented: "Microsoft Graph error responses"',
    ),
    # Batches
    "batch_malformed": _gateway(
        "Invalid batch payload format.", "recorded 2026: bradleymarques/microslop_one_drive"
    ),
    "batch_many": _gateway(
        "Number of requests inside batch exceed the limit.",
        "recorded 2026: bradleymarques/microslop_one_drive",
    ),
    "batch_repeated": _gateway(
        "Request Id {id} has to be unique in a batch.",
        "recorded 2026: bradleymarques/microslop_one_drive; quoted since 2020",
    ),
    "batch_untyped": _gateway(
        "Write request with id '{id}' does not contain a Content-Type header.",
        "quoted 2026: Softeria/ms-365-mcp-server#677",
    ),
    "batch_bodyless": _gateway(
        "Write request id : {id} does not contain Content-Type header or body.",
        "quoted 2024: msgraph-sdk-dotnet#2628",
    ),
    "batch_dependency": _gateway(
        "Invalid dependency for request Id {id}.",
        "quoted without its end: msgraph-sdk-dotnet-core#891",
    ),
    "batch_mixed": _gateway(
        "Batch should be either fully sequential or fully parallel.",
        "quoted: microsoft-graph-docs#16280",
    ),
    "batch_nested": _gateway(
        "A batch cannot contain another batch.",
        "documented that it cannot (msgraph-sdk-design); text chosen",
    ),
    "dependency_failed": GraphRow(
        424, "FailedDependency", "", "status documented; the rest from client code", gateway=True
    ),
    # Look-ups by ID
    "ids_many": _bad_request(
        "Too many values are specified for the parameter '{name}': {count}. Max allowed: {most}.",
        "the limits are documented; text chosen",
    ),
    "parameter_missing": _bad_request(
        "The parameter '{name}' is missing or is not {type}.", "chosen"
    ),
    # Sign-ins and audit logs
    "premium_only": GraphRow(
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "Tenant is not a B2C tenant and doesn't have premium license",
        'quoted 2025: woodgrove-groceries#51; until about 2024 the text was "Neither tenant is B2C '
        "or tenant doesn't have premium license\" (microsoft-graph-docs#14118)",
    ),
    "audit_permission_missing": GraphRow(
        403,
        "Authentication_MSGraphPermissionMissing",
        "Calling principal does not have required MSGraph permissions AuditLog.Read.All",
        "quoted: microsoft-graph-explorer-v4#2731, #3165",
    ),
    "report_role_missing": GraphRow(
        403,
        "Authentication_RequestFromUnsupportedUserRole",
        "User is not in the allowed roles",
        'quoted in public code, and in "Troubleshoot errors in the reporting API"',
    ),
    "key_not_guid": GraphRow(
        400,
        "400",
        "Get By Key only supports UserId and the key has to be a valid Guid",
        "quoted 2026 in public notes; in 2021 the code was UnknownError",
    ),
    "activity_combined": _unsupported_query(
        "The property 'signInActivity' can't be filtered with any other property.",
        'documented that it is not supported: "user resource type"; code and text chosen',
    ),
    # Busy or broken
    "throttled": GraphRow(
        429, "TooManyRequests", "Please retry again later.", 'documented: "throttling guidance"'
    ),
    "broken_500": GraphRow(
        500,
        "Service_InternalServerError",
        "Encountered an internal server error.",
        "code documented for the directory; message quoted",
    ),
    "broken_502": GraphRow(
        502, "UnknownError", "", "quoted, also with other statuses; here chosen", gateway=True
    ),
    "broken_503": GraphRow(
        503,
        "serviceNotAvailable",
        "The service is unavailable. Try the request again after a delay. There may be a "
        "Retry-After header.",
        'code documented in "Microsoft Graph error responses"; message by its description',
        gateway=True,
    ),
    "broken_504": GraphRow(
        504, "UnknownError", "", "quoted, also with other statuses; here chosen", gateway=True
    ),
}
