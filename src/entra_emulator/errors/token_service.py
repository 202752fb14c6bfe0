"""
The token service's refusals, by AADSTS number.

Statuses and texts as recorded, quoted in public issues, documented or chosen:
`evidence` says which.
"""

from typing import NamedTuple


class OAuthRow(NamedTuple):
    """One refusal of the token service; `text` has the fault's values in braces."""

    status: int
    error: str
    text: str
    evidence: str
    suberror: str = ""


_KEYS_HINT = (
    "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured "
    "keys for app Id '{app}'."
)

_FEDERATED_HINT = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented "
    "assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)

OAUTH: dict[int, OAuthRow] = {
    50011: OAuthRow(
        400,
        "invalid_request",
        "The redirect URI '{uri}' specified in the request does not match the redirect URIs "
        "configured for the application '{app}'. Make sure the redirect URI sent in the request "
        "matches one added to your application in the Azure portal. Navigate to "
        "https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this "
        "error.",
        "text documented; status chosen",
    ),
    50012: OAuthRow(
        401,
        "invalid_client",
        "Authentication failed. The signing certificate is not valid yet.",
        "documented (AuthenticationFailed); text chosen",
    ),
    50027: OAuthRow(
        400,
        "invalid_request",
        "JWT token is invalid or malformed.",
        "quoted: panva/openid-client#348, msal-dotnet#124",
    ),
    50048: OAuthRow(
        401,
        "invalid_client",
        "Subject mismatches Issuer claim in the client assertion.",
        "documented (SubjectMismatchesIssuer); status chosen",
    ),
    50049: OAuthRow(
        400,
        "invalid_instance",
        "Unknown or invalid instance.",
        "quoted: microsoft-authentication-library-for-go#438",
    ),
    50059: OAuthRow(
        400,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any "
        "provided credentials.",
        "quoted: azure-docs#24064; status chosen",
    ),
    50166: OAuthRow(
        400,
        "invalid_request",
        "Request to External OIDC endpoint failed.",
        "quoted: azure-workload-identity#642; status from #605, where the number is 90061",
    ),
    53003: OAuthRow(
        400,
        "invalid_grant",
        "Access has been blocked by Conditional Access policies. The access policy does not allow "
        "token issuance.",
        "quoted for an application: botbuilder-dotnet#6759; error and status as in user flows",
    ),
    65004: OAuthRow(
        400,
        "access_denied",
        "User declined to consent to access the app.",
        "quoted: azure-docs#114009",
    ),
    70003: OAuthRow(
        400,
        "unsupported_grant_type",
        "The app requested an unsupported grant type '{grant}'.",
        "documented (UnsupportedGrantType)",
    ),
    70011: OAuthRow(
        400,
        "invalid_scope",
        "The provided value for the input parameter 'scope' is not valid. The scope {scope} is "
        "not valid.",
        "documented (InvalidScope)",
    ),
    90002: OAuthRow(
        400,
        "invalid_request",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may "
        "happen if there are no active subscriptions for the tenant.",
        "recorded 2025; discovery says invalid_tenant instead (recorded 2021)",
    ),
    90006: OAuthRow(
        503,
        "temporarily_unavailable",
        "The service is temporarily unavailable. Please retry later.",
        "documented (ExternalServerRetryableError); status chosen",
    ),
    90014: OAuthRow(
        400,
        "invalid_request",
        "The required field '{field}' is missing from the credential. Ensure that you have all "
        "the necessary parameters for the login request.",
        "quoted: ctron/oidc-cli#7",
    ),
    90024: OAuthRow(
        503,
        "temporarily_unavailable",
        "A transient error has occurred. Please try again.",
        "documented (RequestBudgetExceededError); status chosen",
    ),
    90033: OAuthRow(
        503,
        "temporarily_unavailable",
        "The Microsoft Online Directory Service (MSODS) is temporarily unavailable.",
        "documented (MsodsServiceUnavailable); status chosen",
    ),
    90055: OAuthRow(
        429,
        "temporarily_unavailable",
        "There are too many incoming requests.",
        "documented (TenantThrottlingError); the status too, for applications over-used",
    ),
    90090: OAuthRow(
        503,
        "temporarily_unavailable",
        "The service is temporarily unavailable.",
        "documented (GraphRetryableError); status chosen",
    ),
    90100: OAuthRow(
        400,
        "invalid_request",
        "{field} parameter is empty or not valid.",
        "documented (InvalidRequestParameter); that claims ends here is chosen",
    ),
    100007: OAuthRow(
        400,
        "unauthorized_client",
        "Microsoft Entra Regional ONLY supports auth either for MSIs OR for requests from MSAL "
        "using SN+I for 1P apps or 3P apps in Microsoft infrastructure tenants.",
        "text documented; error and status chosen",
    ),
    165000: OAuthRow(
        403,
        "invalid_request",
        "Invalid Request: the form was not sent from the page of this emulator that shows it.",
        "number documented (user context mismatch); text and status chosen",
    ),
    500011: OAuthRow(
        400,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}. "
        "This can happen if the application has not been installed by the administrator of the "
        "tenant or consented to by any user in the tenant. You might have sent your "
        "authentication request to the wrong tenant.",
        "quoted: rootinc/laravel-azure-middleware#51",
    ),
    500013: OAuthRow(
        400,
        "invalid_resource",
        "Resource identifier is not provided.",
        "quoted: powerapps-docs#1161; error and status chosen",
    ),
    500014: OAuthRow(
        400,
        "invalid_resource",
        "The service principal for resource '{resource}' is disabled. This indicate that a "
        "subscription within the tenant has lapsed, or that the administrator for this tenant has "
        "disabled the application, preventing tokens from being issued for it.",
        "quoted: AzureAD-Attack-Defense#43, msal-dotnet#4905; error and status chosen",
    ),
    501051: OAuthRow(
        400,
        "invalid_grant",
        "Application '{app}'({name}) is not assigned to a role for the application "
        "'{resource}'({resource_name}).",
        "text quoted, with invalid_grant and with invalid_client in public articles; we chose",
    ),
    700016: OAuthRow(
        400,
        "unauthorized_client",
        "Application with identifier '{app}' was not found in the directory '{tenant}'. This can "
        "happen if the application has not been installed by the administrator of the tenant or "
        "consented to by any user in the tenant. You may have sent your authentication request "
        "to the wrong tenant.",
        "recorded 2024",
    ),
    700023: OAuthRow(
        401,
        "invalid_client",
        "Client assertion audience claim does not match Realm issuer. Review the documentation "
        "at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        "quoted: microsoft-authentication-library-for-dotnet#2746; status chosen",
    ),
    700024: OAuthRow(
        401,
        "invalid_client",
        "Client assertion is not within its valid time range. Current time: {now}, assertion "
        "valid from {start}, expiry time of assertion {end}. Review the documentation at "
        "https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        "quoted: microsoft-authentication-library-for-dotnet#4951; status chosen",
    ),
    700025: OAuthRow(
        401,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        "documented (InvalidClientPublicClientWithCredential); status chosen",
    ),
    700027: OAuthRow(
        401,
        "invalid_client",
        "Client assertion contains an invalid signature. [Reason - {reason}, Thumbprint of key "
        "used by client: '{thumbprint}',{found} " + _KEYS_HINT + "]. Alternatively, SNI may be "
        "configured on the app. Please ensure that client assertion is being sent with the x5c "
        "claim in the JWT header using MSAL's WithSendX5C() method so that Azure Active "
        "Directory can validate the certificate being used.",
        "recorded 2022; expired key quoted: azure-tools-for-java#2785",
    ),
    700211: OAuthRow(
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion issuer '{issuer}'. "
        + _FEDERATED_HINT,
        "quoted: azure-workload-identity#1200",
    ),
    700212: OAuthRow(
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion audience "
        "'{audience}'. " + _FEDERATED_HINT,
        "quoted in public test data of other projects; status as of 700211",
    ),
    700213: OAuthRow(
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion subject "
        "'{subject}'. " + _FEDERATED_HINT,
        "quoted 2025: azure-workload-identity#1200, dotnet/maui#31978",
    ),
    700229: OAuthRow(
        401,
        "invalid_client",
        "Forbidden token type. Only app-only tokens may be used as Federated Identity Credentials "
        "for AAD issuer.",
        "quoted: azure-docs#109083; error and status chosen",
    ),
    900023: OAuthRow(
        400,
        "invalid_request",
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid "
        "external domain.",
        "recorded 2025",
    ),
    900144: OAuthRow(
        400,
        "invalid_request",
        "The request body must contain the following parameter: '{field}'.",
        "quoted: openid/AppAuth-iOS#671",
    ),
    900561: OAuthRow(
        400,
        "invalid_request",
        "The endpoint only accepts {allowed} requests. Received a {method} request.",
        "documented (BadResourceRequestInvalidRequest); status chosen",
    ),
    901002: OAuthRow(
        400,
        "invalid_request",
        "The 'resource' request parameter is not supported.",
        "documented; status chosen",
    ),
    1002012: OAuthRow(
        400,
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a "
        "scope value with /.default suffixed to the resource identifier (application ID URI).",
        "quoted: azure-docs#99862",
    ),
    5002730: OAuthRow(
        400,
        "invalid_request",
        "Invalid JWT token. Unsupported key for the signing algorithm.",
        "quoted: microsoft-authentication-library-for-dotnet#4712",
    ),
    7000112: OAuthRow(
        400,
        "unauthorized_client",
        "Application '{app}'({name}) is disabled.",
        "quoted: Worklytics/psoxy#74; status chosen",
    ),
    7000215: OAuthRow(
        401,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the "
        "client secret value, not the client secret ID, for a secret added to app '{app}'.",
        "recorded 2022-2024",
    ),
    7000216: OAuthRow(
        401,
        "invalid_client",
        "'client_assertion', 'client_secret' or 'request' is required for the "
        "'client_credentials' grant type.",
        "quoted: azure-docs#30777; status chosen",
    ),
    7000222: OAuthRow(
        401,
        "invalid_client",
        "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to "
        "create new keys for your app: https://aka.ms/NewClientSecret, or consider using "
        "certificate credentials for added security: https://aka.ms/certCreds.",
        "quoted 2023-2025: liprec/vsts-release-aas#119",
    ),
    7000272: OAuthRow(
        401,
        "invalid_client",
        "The certificate with identifier {kid} used to sign the federated credential could not be "
        "found in the metadata of identity provider {issuer}. Please validate that your Identity "
        "Provider's metadata exposes the key used to sign the incoming token.",
        "quoted: azure-workload-identity#1232",
    ),
    7002137: OAuthRow(
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion subject "
        "'{subject}'. Please make sure the federated identity credential Subject is "
        "'{subject}'.",
        "quoted: microsoft/Agents#202",
    ),
    7002138: OAuthRow(
        401,
        "invalid_client",
        "No matching federated identity record found for presented assertion subject "
        "'{subject}'. The subject matches with case-insensitive comparison, but not with "
        "case-sensitive comparison. Check your federated identity credential Subject, Audience "
        "and Issuer against the presented assertion. See documentation at: "
        "https://learn.microsoft.com/entra/workload-id/workload-identity-federation. See breaking "
        "change notification and remediation at: "
        "https://learn.microsoft.com/en-us/entra/identity-platform/reference-breaking-changes"
        "#august-2024.",
        "quoted: Azure/login#515",
    ),
    9001023: OAuthRow(
        400,
        "invalid_request",
        "The grant type is not supported over the /common or /consumers endpoints. Please use the "
        "/organizations or tenant-specific endpoint.",
        "quoted: microsoft-authentication-library-for-js#3561; status chosen",
    ),
    9002313: OAuthRow(
        400,
        "invalid_request",
        "Invalid request. Request is malformed or invalid.",
        "recorded 2025 for a refresh token; here for a form too large or not readable",
    ),
}
