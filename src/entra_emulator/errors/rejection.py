"""
Microsoft Graph's refusals of what somebody wants to write, by a word of ours.

`evidence` says where status, code and message come from, as in `refusal`.
"""

from entra_emulator.errors.graph import GraphRow

_BAD = "Request_BadRequest"
_SAME = "Request_MultipleObjectsWithSameKeyValue"

REJECTIONS: dict[str, GraphRow] = {
    # The body as such
    "payload_empty": GraphRow(
        400,
        "BadRequest",
        "Empty Payload. JSON content expected.",
        "quoted: n8n's node for Microsoft Entra ID, and public bug reports",
        gateway=True,
    ),
    "payload_shapeless": GraphRow(
        400,
        "BadRequest",
        "An unexpected '{found}' node was found when reading from the JSON reader. A '{wanted}' "
        "node was expected.",
        "text of Microsoft.OData.Core",
        gateway=True,
    ),
    "literal_wrong": GraphRow(
        400,
        "BadRequest",
        "Cannot convert the literal '{literal}' to the expected type '{wanted}'.",
        "quoted 2025: msgraph-sdk-powershell#3304",
        gateway=True,
    ),
    "property_repeated": GraphRow(
        400,
        "BadRequest",
        "Multiple properties with the name '{name}' were detected in a resource or a complex "
        "value. OData does not allow duplicate properties.",
        "text of Microsoft.OData.Core",
        gateway=True,
    ),
    "member_unknown": GraphRow(
        400,
        "BadRequest",
        "The property '{name}' does not exist on type 'microsoft.graph.{kind}'. Make sure to only "
        "use property names that are defined by the type.",
        "text of Microsoft.OData.Core",
        gateway=True,
    ),
    "property_unknown": GraphRow(
        400,
        _BAD,
        "Property '{name}' does not exist as a declared property or extension property.",
        "quoted for reads; for writes by analogy",
    ),
    "extension_unknown": GraphRow(
        400, _BAD, "The following extension properties are not available: {name}.", "quoted 2021"
    ),
    "property_fixed": GraphRow(
        400,
        _BAD,
        "Property '{name}' is read-only and cannot be set.",
        "quoted 2023: docs-contrib#1146",
    ),
    "parameter_unknown": GraphRow(
        400,
        "BadRequest",
        "The parameter '{name}' in the request payload is not a valid parameter for the operation "
        "'{action}'.",
        "text of Microsoft.OData.Core",
        gateway=True,
    ),
    "value_missing": GraphRow(
        400,
        _BAD,
        "A value is required for property '{name}' of resource '{resource}'.",
        "quoted 2021, 2025: msgraph-sdk-powershell#3315",
    ),
    "value_invalid": GraphRow(
        400,
        _BAD,
        "Invalid value specified for property '{name}' of resource '{resource}'.",
        "quoted: docs-contrib, msgraph-sdk-powershell#2087 for an empty text",
        detail="InvalidValue",
    ),
    "values_repeated": GraphRow(
        400,
        _BAD,
        "Request contains a property with duplicate values.",
        "quoted: terraform-provider-azuread, and the documented known issue of groups' owners",
    ),
    "object_too_large": GraphRow(
        400,
        _BAD,
        "The size of the object has exceeded its limit. Please reduce the number of values and "
        "retry your request.",
        "the limit of 1,200 entries is documented; code and where it is checked chosen",
    ),
    # Which others there are
    "value_taken": GraphRow(
        400,
        _BAD,
        "Another object with the same value for property {name} already exists.",
        "quoted 2018, 2023: docs-contrib#8421",
        detail="ObjectConflict",
    ),
    "object_taken": GraphRow(
        400,
        _BAD,
        "A conflicting object with one or more of the specified property values is present in the "
        "directory.",
        "quoted",
        detail="ConflictingObjects",
    ),
    # Users
    "name_invalid": GraphRow(
        400,
        _BAD,
        "Property userPrincipalName is invalid.",
        "quoted in public code of 2019-2026",
        detail="InvalidValue",
    ),
    "name_foreign": GraphRow(
        400,
        _BAD,
        "The domain portion of the userPrincipalName property is invalid. You must use one of the "
        "verified domain names in your organization.",
        "quoted, with its details, in the recorded answers of a public test suite of 2024",
        detail="InvalidValue",
    ),
    "password_missing": GraphRow(
        400, _BAD, "A password must be specified to create a new user.", "quoted in public code"
    ),
    "password_weak": GraphRow(
        400,
        _BAD,
        "The specified password does not comply with password complexity requirements. Please "
        "provide a different password.",
        "quoted in public code",
    ),
    "synced": GraphRow(
        400,
        _BAD,
        "Unable to update the specified properties for on-premises mastered Directory Sync objects "
        "or objects currently undergoing migration.",
        "quoted in public issues since 2017; which properties those are is chosen",
    ),
    # Groups
    "mail_group": GraphRow(
        400,
        _BAD,
        "The service does not currently support writes of mail-enabled groups. Please ensure that "
        "the mail-enablement property is unset and the security-enablement property is set.",
        "quoted 2021",
    ),
    "rule_missing": GraphRow(
        400,
        _BAD,
        "A value is required for property 'membershipRule' of a group with dynamic membership.",
        "that it is refused is quoted: msgraph-sdk-dotnet#2601; text chosen",
    ),
    "rule_senseless": GraphRow(
        400,
        _BAD,
        "The membership rule is only allowed for groups with dynamic membership.",
        "chosen",
    ),
    "references_many": GraphRow(
        400,
        _BAD,
        "The number of references in '{name}' is {count}. Max allowed: 20.",
        "the limit is documented (group-post-groups, group-post-members); text chosen",
    ),
    "owner_last": GraphRow(
        400,
        _BAD,
        "The group must have at least one owner, hence this owner cannot be removed.",
        "quoted 2021: microsoft-graph-docs#12054",
    ),
    # References
    "reference_present": GraphRow(
        400,
        _BAD,
        "One or more added object references already exist for the following modified properties: "
        "'{relation}'.",
        "quoted 2017-2025",
    ),
    "reference_unfit": GraphRow(
        400,
        _BAD,
        "The reference target '{item}' of type '{kind}' is invalid for the '{relation}' reference.",
        "quoted in public code for administrative units",
    ),
    "reference_malformed": GraphRow(
        400,
        _BAD,
        "Invalid URL format specified in payload.",
        "chosen",
    ),
    "reference_identifier": GraphRow(
        400,
        "Request_UnsupportedQuery",
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
    "update_invalid": GraphRow(400, _BAD, "Not a valid reference update.", "quoted"),
    # Applications
    "identifier_foreign": GraphRow(
        400,
        "HostNameNotOnVerifiedDomain",
        "Values of identifierUris property must use a verified domain of the organization or its "
        "subdomain: '{uri}'",
        "quoted 2021",
    ),
    "entitlement_enabled": GraphRow(
        400,
        "CannotDeleteOrUpdateEnabledEntitlement",
        "Permission (scope or role) cannot be deleted or updated unless disabled first.",
        "client code of terraform-provider-azuread",
    ),
    "password_unknown": GraphRow(
        400,
        _BAD,
        "No password credential found with keyId '{key}'.",
        "quoted up to the ID in public code; the rest chosen",
    ),
    "key_unknown": GraphRow(
        400, _BAD, "No key credential found with keyId '{key}'.", "by analogy with passwords"
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
    "key_unreadable": GraphRow(
        400, _BAD, "Key credential value is not a certificate with an RSA key.", "chosen"
    ),
    "proof_invalid": GraphRow(
        401,
        "Authentication_MissingOrMalformed",
        "Access Token missing or malformed.",
        "code documented for proofs that do not verify (application-rolling-prooftoken); text of "
        "the Azure AD Graph error table",
    ),
    "principal_baseless": GraphRow(
        400,
        _BAD,
        "The appId '{app}' of the service principal does not reference a valid application object.",
        "client code of Azure CLI; details quoted in public code",
        detail="NoBackingApplicationObject",
    ),
    "principal_foreign": GraphRow(
        403,
        "Authorization_RequestDenied",
        "When using this permission, the backing application of the service principal being "
        "created must in the local tenant",
        "client code of Azure CLI, the grammar is the service's",
    ),
    "principal_present": GraphRow(
        409,
        _SAME,
        "The service principal cannot be created, updated, or restored because the service "
        "principal name {app} is already in use.",
        "quoted in Microsoft's documentation of Intune, with details in public code",
        detail="ObjectConflict",
    ),
    "federated_present": GraphRow(
        409,
        _SAME,
        "FederatedIdentityCredential with name {name} already exists.",
        "quoted in the source of Azure Workload Identity",
    ),
    "federated_limit": GraphRow(400, _BAD, "{reason}", "limits documented; text chosen"),
    "assignment_present": GraphRow(
        400,
        _BAD,
        "Permission being assigned already exists on the object",
        "client code of terraform-provider-azuread",
    ),
    "assignment_unfounded": GraphRow(
        400,
        _BAD,
        "Permission being assigned was not found on application",
        "quoted in public code",
    ),
    "assignment_malformed": GraphRow(
        400,
        _BAD,
        "Invalid resource identifier for EntitlementGrant.",
        "quoted",
    ),
    "grant_baseless": GraphRow(
        400, _BAD, "Specified resourceId was not found.", "quoted in public code of 2026"
    ),
    "grant_present": GraphRow(
        409, _SAME, "Permission entry already exists.", "quoted in public code; status also"
    ),
    # Domains
    "domain_present": GraphRow(
        400,
        _BAD,
        "A domain with name '{name}' is present in a directory already.",
        "chosen",
        detail="ObjectConflict",
    ),
    "domain_verified": GraphRow(
        400,
        _BAD,
        "Domain '{name}' cannot be removed, because users, groups or applications may use it.",
        "chosen; only unverified domains can be removed here",
    ),
    # Licences
    "parameters_missing": GraphRow(
        400,
        "BadRequest",
        "One or more parameters of the operation '{action}' are missing from the request payload. "
        "The missing parameters are: {names}.",
        "text of Microsoft.OData.Core",
        gateway=True,
    ),
    "guid_wrong": GraphRow(
        400,
        "BadRequest",
        "Cannot convert a primitive value to the expected type 'Edm.Guid'. See the inner exception "
        "for more details.",
        "quoted 2019: microsoft-graph-docs#2853",
        gateway=True,
    ),
    "location_missing": GraphRow(
        400,
        _BAD,
        "License assignment cannot be done for user with invalid usage location.",
        "quoted 2022, 2023: KelvinTegelaar/CIPP#783, Partner-Center-DotNet-Samples#131",
    ),
    "license_unknown": GraphRow(
        400,
        _BAD,
        "License {sku} does not correspond to a valid company License.",
        "quoted in the tests of CLI for Microsoft 365",
    ),
    "license_not_held": GraphRow(
        400, _BAD, "User does not have a corresponding license.", "quoted in public code"
    ),
    "license_exhausted": GraphRow(
        400,
        _BAD,
        "Subscription with SKU {sku} does not have any available licenses.",
        "quoted in public code",
    ),
    "plan_unknown": GraphRow(
        400, _BAD, "Service plan {plan} is not part of license {sku}.", "chosen"
    ),
}
