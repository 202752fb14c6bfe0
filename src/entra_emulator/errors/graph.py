"""
Microsoft Graph's refusals, by a word of ours.

Statuses, codes and messages as recorded, quoted in public issues, documented
or chosen: `evidence` says which.
"""

from typing import NamedTuple


class GraphRow(NamedTuple):
    """
    One refusal of Graph.

    Args:
        status: the HTTP status.
        code: the error's code.
        message: has the fault's values in braces.
        evidence: where they come from.
        gateway: see `GraphFault`.
        detail: the code of an entry in `details` that says what is wrong; empty without one.
    """

    status: int
    code: str
    message: str
    evidence: str
    gateway: bool = False
    detail: str = ""


_TOKEN = "InvalidAuthenticationToken"  # noqa: S105 - an error code
_QUERY = "Request_UnsupportedQuery"

GRAPH: dict[str, GraphRow] = {
    # Who is asking
    "token_empty": GraphRow(401, _TOKEN, "Access token is empty.", "quoted", gateway=True),
    "token_shapeless": GraphRow(
        401,
        _TOKEN,
        "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS "
        "or JWE Compact Serialization Format. (JWS): 'EncodedHeader.EndcodedPayload."
        "EncodedSignature'. (JWE): 'EncodedProtectedHeader.EncodedEncryptedKey."
        "EncodedInitializationVector.EncodedCiphertext.EncodedAuthenticationTag'.",
        "recorded 2024, the typing error is the service's",
        gateway=True,
    ),
    "token_undecodable": GraphRow(
        401,
        _TOKEN,
        "IDX14102: Unable to decode the header '[PII of type "
        "'Microsoft.IdentityModel.Logging.SecurityArtifact' is hidden. For more details, see "
        "https://aka.ms/IdentityModel/PII.]' as Base64Url encoded string.",
        "recorded 2025",
        gateway=True,
    ),
    "token_expired": GraphRow(
        401,
        _TOKEN,
        "Lifetime validation failed, the token is expired.",
        "recorded 2024",
        gateway=True,
    ),
    "token_early": GraphRow(
        401, _TOKEN, "Lifetime validation failed, the token is not yet valid.", "chosen", True
    ),
    "token_foreign": GraphRow(
        401, _TOKEN, "Access token validation failure. Invalid audience.", "quoted", gateway=True
    ),
    "token_forged": GraphRow(
        401, _TOKEN, "Access token validation failure.", "quoted", gateway=True
    ),
    "token_revoked": GraphRow(
        401,
        _TOKEN,
        "Continuous access evaluation resulted in claims challenge with result: "
        "InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
        "recorded 2021 for a user; for applications by analogy",
        gateway=True,
    ),
    "caller_unknown": GraphRow(
        401,
        "Authorization_IdentityNotFound",
        "The identity of the calling application could not be established.",
        "documented",
    ),
    "forbidden": GraphRow(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
        "recorded 179 times",
    ),
    "premium_only": GraphRow(
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "Neither tenant is B2C or tenant doesn't have premium license",
        "quoted: microsoft-graph-docs#14118",
    ),
    "me_without_user": GraphRow(
        400,
        "BadRequest",
        "/me request is only valid with delegated authentication flow.",
        "recorded 2022",
        gateway=True,
    ),
    # Which resource
    "host_unknown": GraphRow(
        421,
        "BadRequest",
        "The emulator does not answer for the host '{host}'.",
        "chosen, against DNS rebinding",
        gateway=True,
    ),
    "version_unknown": GraphRow(
        404, "ResourceNotFound", "Invalid version: {version}", "captured 2022", gateway=True
    ),
    "segment_unknown": GraphRow(
        400,
        "BadRequest",
        "Resource not found for the segment '{segment}'.",
        "documented",
        gateway=True,
    ),
    "method_wrong": GraphRow(
        405,
        "Request_BadRequest",
        "Specified HTTP method is not allowed for the request target.",
        "quoted; code chosen",
        gateway=True,
    ),
    "object_missing": GraphRow(
        404,
        "Request_ResourceNotFound",
        "Resource '{key}' does not exist or one of its queried reference-property objects are "
        "not present.",
        "recorded 77 times",
    ),
    "id_malformed": GraphRow(
        400, "Request_BadRequest", "Invalid object identifier '{key}'.", "documented"
    ),
    # What is sent
    "body_malformed": GraphRow(
        400,
        "BadRequest",
        "Unable to read JSON request payload. Please ensure Content-Type header is set and payload "
        "is of valid JSON format.",
        "quoted: microsoft-graph-docs#3888",
        gateway=True,
    ),
    "body_too_large": GraphRow(
        413, "BadRequest", "The request is larger than 4 MB.", "chosen", gateway=True
    ),
    # What about it
    "option_repeated": GraphRow(
        400,
        "BadRequest",
        "Query option '{option}' was specified more than once, but it must be specified at most "
        "once.",
        "text of Microsoft.OData.Core",
        gateway=True,
    ),
    "option_unknown": GraphRow(
        400,
        "BadRequest",
        "The query parameter '{option}' is not supported.",
        "text of Microsoft.AspNetCore.OData",
        gateway=True,
    ),
    "option_malformed": GraphRow(
        400,
        "BadRequest",
        "Invalid value '{value}' for {option} query option found. The {option} query option "
        "requires a {wanted} value.",
        "text of Microsoft.OData.Core",
        gateway=True,
    ),
    "count_malformed": GraphRow(
        400,
        "BadRequest",
        "Invalid value '{value}' for $count query option found. Valid values are 'true, false'.",
        "text of Microsoft.OData.Core",
        gateway=True,
    ),
    "format_refused": GraphRow(
        400, "BadRequest", "The format '{value}' is not supported.", "chosen", gateway=True
    ),
    "not_emulated": GraphRow(
        501, "NotImplemented", "The emulator does not know {what} yet.", "chosen", gateway=True
    ),
    "not_on_collection": GraphRow(
        501,
        "NotImplemented",
        "This operation target is not yet supported.",
        "quoted: microsoft-graph-docs#7555",
    ),
    "select_unknown": GraphRow(
        400,
        "BadRequest",
        "Parsing OData Select and Expand failed: Could not find a property named '{name}' on "
        "type 'microsoft.graph.{kind}'.",
        "quoted for closed types: docs-contrib#4529; for users chosen, it catches typing errors",
        gateway=True,
    ),
    "select_malformed": GraphRow(
        400,
        "BadRequest",
        "Parsing OData Select and Expand failed: Term '{name}' is not valid in a $select or "
        "$expand expression.",
        "quoted: msgraph-sdk-dotnet#1181",
        gateway=True,
    ),
    "expand_many": GraphRow(
        400,
        "BadRequest",
        "The result of parsing $expand contained at least 2 items, but the maximum allowed is 1.",
        "quoted: microsoft-graph-docs#96",
        gateway=True,
    ),
    "expand_scalar": GraphRow(
        400,
        "BadRequest",
        "Parsing OData Select and Expand failed: Property '{name}' on type "
        "'microsoft.graph.{kind}' is not a navigation property or complex property. Only "
        "navigation properties can be expanded.",
        "text of Microsoft.OData.Core",
        gateway=True,
    ),
    "expand_option": GraphRow(
        400,
        _QUERY,
        "The query option '{option}' is not supported when expanding '{navigation}'.",
        "documented that it is not supported; text chosen",
    ),
    "expand_levels": GraphRow(
        400,
        _QUERY,
        "Transitive manager's list is only supported on a single user, send the $expand request "
        "on /users/{{id}} endpoint",
        "quoted: microsoft-graph-docs#18615",
    ),
    "expand_advanced": GraphRow(
        400,
        _QUERY,
        "$expand is not supported with advanced query parameters.",
        "documented that it is not supported; text chosen",
    ),
    "levels_malformed": GraphRow(
        400,
        "BadRequest",
        "Parsing OData Select and Expand failed: Invalid value '{value}' for $levels, which is "
        "'max' or a number between 1 and 1000.",
        "the values are documented; text chosen",
        gateway=True,
    ),
    "page_size": GraphRow(
        400,
        _QUERY,
        "Invalid page size specified: '{size}'. Must be between 1 and 999 inclusive.",
        "quoted: turbot/steampipe-plugin-azuread",
    ),
    "skip_refused": GraphRow(
        400,
        "Request_BadRequest",
        "'$skip' is not supported by the service.",
        "quoted: msgraph-sdk-dotnet#348",
    ),
    "page_token_invalid": GraphRow(
        400, "Request_BadRequest", "Invalid Skip Token", "quoted: microsoft-graph-docs#8612"
    ),
    "page_token_expired": GraphRow(
        400,
        "Directory_ExpiredPageToken",
        "The specified page token value has expired and can no longer be included in your request.",
        "quoted 2023",
    ),
    "count_refused": GraphRow(
        400, "Request_BadRequest", "$count is not currently supported.", "quoted"
    ),
    "search_refused": GraphRow(
        400,
        _QUERY,
        "Request with $search query parameter only works through MSGraph with a special request "
        "header: 'ConsistencyLevel: eventual'",
        "quoted",
    ),
    "search_malformed": GraphRow(
        400,
        "BadRequest",
        "{reason}",
        "quoted for a clause without quotes: msgraph-sdk-javascript#525; other reasons chosen",
        gateway=True,
    ),
    "sort_refused": GraphRow(400, _QUERY, "Sorting not supported for current query.", "quoted"),
    "sort_property_refused": GraphRow(
        400,
        _QUERY,
        "Unsupported sort property '{name}' for '{kind}'.",
        "quoted: microsoft-graph-docs#20427",
    ),
    "property_unsupported": GraphRow(
        400,
        _QUERY,
        "An unsupported property was specified.",
        "quoted: microsoft-graph-docs#13246, #20540",
    ),
    "orderby_malformed": GraphRow(
        400, "BadRequest", "Invalid orderby clause: {reason}", "chosen", gateway=True
    ),
    "filter_malformed": GraphRow(
        400, "BadRequest", "Invalid filter clause: {reason}", "quoted", gateway=True
    ),
    "operator_refused": GraphRow(
        400, _QUERY, "Filter operator '{operator}' is not supported.", "quoted"
    ),
    "clause_operator_refused": GraphRow(
        400, _QUERY, "Unsupported property filter clause operator '{operator}'.", "quoted"
    ),
    "header_missing": GraphRow(
        400,
        _QUERY,
        "Operator '{operator}' is not supported because the 'ConsistencyLevel:eventual' header "
        "is missing.",
        "quoted for endsWith; for not by analogy",
    ),
    "query_refused": GraphRow(400, _QUERY, "Unsupported Query.", "quoted 2021"),
    "property_refused": GraphRow(
        400,
        _QUERY,
        "Unsupported or invalid query filter clause specified for property '{name}' of resource "
        "'{kind}'.",
        "quoted",
    ),
    "id_equality_only": GraphRow(
        400, _QUERY, "The 'id' property can only be used with eq filter", "quoted; code chosen"
    ),
    "property_not_indexed": GraphRow(
        400, _QUERY, "The request uses a filter property that is not indexed", "documented"
    ),
    "or_too_long": GraphRow(
        400,
        _QUERY,
        "Too many child clauses specified in search filter expression containing 'OR' operators: "
        "{count}. Max allowed: 15.",
        "quoted",
    ),
    "filter_too_high": GraphRow(
        400,
        _QUERY,
        "search filter expression has excessive height: {height}. Max allowed: 3",
        "quoted 2018: microsoft-graph-docs#3641; code chosen",
    ),
    "reference_refused": GraphRow(
        400,
        _QUERY,
        "The specified filter to the reference property query is currently not supported.",
        "quoted: microsoft-graph-docs#11242",
    ),
    "complex_refused": GraphRow(
        400, _QUERY, "Complex query on property {name} is not supported.", "quoted"
    ),
    "lambda_refused": GraphRow(
        400,
        "BadRequest",
        "Filter not supported.",
        "quoted for all: microsoft-graph-docs#16382",
        gateway=True,
    ),
    "clause_invalid": GraphRow(
        400,
        "BadRequest",
        "Invalid filter clause",
        "quoted for or on assignedLicenses: microsoft-graph-docs#14036",
        gateway=True,
    ),
    "grant_filter_refused": GraphRow(
        400,
        _QUERY,
        "Filter is invalid. {name}",
        "quoted: msgraph-sdk-powershell#1763",
    ),
    "internal": GraphRow(
        500, "Service_InternalServerError", "Encountered an internal server error.", "chosen"
    ),
}
