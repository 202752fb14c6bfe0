"""
The token service's refusals: status, OAuth error and text of each, by AADSTS number.

Each row's `evidence` says whether they are as recorded, as quoted in public issues, as documented,
or chosen. What is recorded stands in the recorded answers of public test suites. A name in
parentheses is the error's in "Microsoft Entra authentication and authorization error codes".
"""

from typing import NamedTuple


class TokenRow(NamedTuple):
    """One refusal; `text` has names in braces, for the values of one request."""

    status: int
    error: str
    text: str
    evidence: str
    suberror: str = ""


_KEYS_HINT = (
    "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured "
    "keys for app Id '{app}'. Review the documentation at "
    "https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service "
    "endpoint and https://docs.microsoft.com/en-us/graph/api/application-get"
    "?view=graph-rest-1.0&tabs=http to build a query request URL, such as "
    "'https://graph.microsoft.com/beta/applications/{app}'"
)

_FEDERATED_HINT = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented "
    "assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)


def _invalid_request(text: str, evidence: str) -> TokenRow:
    return TokenRow(400, "invalid_request", text, evidence)


# 401 is recorded for wrong secrets and certificates. The status matters as much as the text: MSAL
# Python repeats a 400 to its caller for a minute, and asks again after a 401.
def _invalid_client(text: str, evidence: str) -> TokenRow:
    return TokenRow(401, "invalid_client", text, evidence)


def _invalid_grant(text: str, evidence: str, suberror: str = "") -> TokenRow:
    return TokenRow(400, "invalid_grant", text, evidence, suberror)


def _unavailable(text: str, evidence: str) -> TokenRow:
    return TokenRow(503, "temporarily_unavailable", text, evidence)


TOKEN_REFUSALS: dict[int, TokenRow] = {
    # What a program can meet
    50011: _invalid_request(
        "The redirect URI '{uri}' specified in the request does not match the redirect URIs "
        "configured for the application '{app}'. Make sure the redirect URI sent in the request "
        "matches one added to your application in the Azure portal. Navigate to "
        "https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this "
        "error.",
        "text documented; status chosen",
    ),
    50012: _invalid_client(
        "Authentication failed. The signing certificate is not valid yet.",
        "documented (AuthenticationFailed); text chosen",
    ),
    50027: _invalid_request(
        "JWT token is invalid or malformed.", "quoted: panva/openid-client#348, msal-dotnet#124"
    ),
    50048: _invalid_client(
        "Subject mismatches Issuer claim in the client assertion.",
        "documented (SubjectMismatchesIssuer); status chosen",
    ),
    50049: TokenRow(
        400,
        "invalid_instance",
        "Unknown or invalid instance.",
        "quoted: microsoft-authentication-library-for-go#438",
    ),
    50059: _invalid_request(
        "No tenant-identifying information found in either the request or implied by any "
        "provided credentials.",
        "quoted: azure-docs#24064; status chosen",
    ),
    50166: _invalid_request(
        "Request to External OIDC endpoint failed.",
        "quoted: azure-workload-identity#642; status from #605, where the number is 90061",
    ),
    53003: _invalid_grant(
        "Access has been blocked by Conditional Access policies. The access policy does not allow "
        "token issuance.",
        "quoted for an application: botbuilder-dotnet#6759; error and status as in user flows",
    ),
    # The documentation of admin consent has permission_denied and consent_required instead; the
    # issue shows what a cancelled consent really sent in 2023.
    65004: TokenRow(
        400,
        "access_denied",
        "User declined to consent to access the app.",
        "quoted: azure-docs#114009",
    ),
    70003: TokenRow(
        400,
        "unsupported_grant_type",
        "The app requested an unsupported grant type '{grant}'.",
        "documented (UnsupportedGrantType)",
    ),
    70011: TokenRow(
        400,
        "invalid_scope",
        "The provided value for the input parameter 'scope' is not valid. The scope {scope} is "
        "not valid.",
        "documented (InvalidScope)",
    ),
    90002: _invalid_request(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. Check with your subscription administrator, this may "
        "happen if there are no active subscriptions for the tenant.",
        "recorded 2025 in OpenProject's tests; discovery says invalid_tenant instead (recorded "
        "2021 in those of azure-sdk-for-js)",
    ),
    90006: _unavailable(
        "The service is temporarily unavailable. Please retry later.",
        "documented (ExternalServerRetryableError); status chosen",
    ),
    90014: _invalid_request(
        "The required field '{field}' is missing from the credential. Ensure that you have all "
        "the necessary parameters for the login request.",
        "quoted: ctron/oidc-cli#7",
    ),
    90024: _unavailable(
        "A transient error has occurred. Please try again.",
        "documented (RequestBudgetExceededError); status chosen",
    ),
    90033: _unavailable(
        "The Microsoft Online Directory Service (MSODS) is temporarily unavailable.",
        "documented (MsodsServiceUnavailable); status chosen",
    ),
    90055: TokenRow(
        429,
        "temporarily_unavailable",
        "There are too many incoming requests.",
        "documented (TenantThrottlingError); the status too, for applications over-used",
    ),
    90090: _unavailable(
        "The service is temporarily unavailable.", "documented (GraphRetryableError); status chosen"
    ),
    90100: _invalid_request(
        "{field} parameter is empty or not valid.",
        "documented (InvalidRequestParameter); that claims ends here is chosen",
    ),
    100007: TokenRow(
        400,
        "unauthorized_client",
        "Microsoft Entra Regional ONLY supports auth either for MSIs OR for requests from MSAL "
        "using SN+I for 1P apps or 3P apps in Microsoft infrastructure tenants.",
        "text documented; error and status chosen",
    ),
    165000: TokenRow(
        403,
        "invalid_request",
        "Invalid Request: the form was not sent from the page of this emulator that shows it.",
        "number documented (user context mismatch); text and status chosen",
    ),
    500011: TokenRow(
        400,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {tenant}. "
        "This can happen if the application has not been installed by the administrator of the "
        "tenant or consented to by any user in the tenant. You might have sent your "
        "authentication request to the wrong tenant.{unset}",
        "quoted: rootinc/laravel-azure-middleware#51; the application whose URI is not set: chosen",
    ),
    500013: TokenRow(
        400,
        "invalid_resource",
        "Resource identifier is not provided.",
        "quoted: powerapps-docs#1161; error and status chosen",
    ),
    500014: TokenRow(
        400,
        "invalid_resource",
        "The service principal for resource '{resource}' is disabled. This indicate that a "
        "subscription within the tenant has lapsed, or that the administrator for this tenant has "
        "disabled the application, preventing tokens from being issued for it.",
        "quoted: AzureAD-Attack-Defense#43, msal-dotnet#4905; error and status chosen",
    ),
    501051: _invalid_grant(
        "Application '{app}'({name}) is not assigned to a role for the application "
        "'{resource}'({resource_name}).",
        "text quoted, with invalid_grant and with invalid_client in public articles; we chose",
    ),
    # An unknown application is neither invalid_client nor a 401: both are kept for wrong
    # credentials of a known one.
    700016: TokenRow(
        400,
        "unauthorized_client",
        "Application with identifier '{app}' was not found in the directory '{tenant}'. This can "
        "happen if the application has not been installed by the administrator of the tenant or "
        "consented to by any user in the tenant. You may have sent your authentication request "
        "to the wrong tenant.",
        "recorded 2024 in OpenProject's tests",
    ),
    # The documentation has this number for scopes without a resource; the text is the service's.
    700023: _invalid_client(
        "Client assertion audience claim does not match Realm issuer. Review the documentation "
        "at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        "quoted: microsoft-authentication-library-for-dotnet#2746; status chosen",
    ),
    700024: _invalid_client(
        "Client assertion is not within its valid time range. Current time: {now}, assertion "
        "valid from {start}, expiry time of assertion {end}. Review the documentation at "
        "https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        "quoted: microsoft-authentication-library-for-dotnet#4951; status chosen",
    ),
    700025: _invalid_client(
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        "documented (InvalidClientPublicClientWithCredential); status chosen",
    ),
    700027: _invalid_client(
        "Client assertion contains an invalid signature. [Reason - {reason}, Thumbprint of key "
        "used by client: '{thumbprint}',{known_key} " + _KEYS_HINT + "]. Alternatively, SNI may be "
        "configured on the app. Please ensure that client assertion is being sent with the x5c "
        "claim in the JWT header using MSAL's WithSendX5C() method so that Azure Active "
        "Directory can validate the certificate being used.",
        "recorded 2022 in the tests of azure-sdk-for-go; whole text quoted: "
        "azure-sdk-for-net#29007; expired key quoted: azure-tools-for-java#2785",
    ),
    700211: _invalid_client(
        "No matching federated identity record found for presented assertion issuer '{issuer}'. "
        + _FEDERATED_HINT,
        "quoted: azure-workload-identity#1200",
    ),
    700212: _invalid_client(
        "No matching federated identity record found for presented assertion audience "
        "'{audience}'. " + _FEDERATED_HINT,
        "quoted in public test data of other projects; status as of 700211",
    ),
    700213: _invalid_client(
        "No matching federated identity record found for presented assertion subject "
        "'{subject}'. " + _FEDERATED_HINT,
        "quoted 2025: azure-workload-identity#1200, dotnet/maui#31978",
    ),
    700229: _invalid_client(
        "Forbidden token type. Only app-only tokens may be used as Federated Identity Credentials "
        "for AAD issuer.",
        "quoted: azure-docs#109083; error and status chosen",
    ),
    900023: _invalid_request(
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid "
        "external domain.",
        "recorded 2025 in OpenProject's tests",
    ),
    900144: _invalid_request(
        "The request body must contain the following parameter: '{field}'.",
        "quoted 2019: azure-docs#43780, openid/AppAuth-iOS#671",
    ),
    900561: _invalid_request(
        "The endpoint only accepts {allowed} requests. Received a {method} request.",
        "documented (BadResourceRequestInvalidRequest); status chosen",
    ),
    901002: _invalid_request(
        "The '{parameter}' request parameter is not supported.", "documented; status chosen"
    ),
    # Until about 2022 such scopes were refused with 70011 (msgraph-sdk-python-core#49).
    1002012: TokenRow(
        400,
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a "
        "scope value with /.default suffixed to the resource identifier (application ID URI).",
        "quoted 2022-2025: azure-docs#99862, databricks-sql-nodejs#226",
    ),
    5002730: _invalid_request(
        "Invalid JWT token. Unsupported key for the signing algorithm.",
        "quoted: microsoft-authentication-library-for-dotnet#4712",
    ),
    7000112: TokenRow(
        400,
        "unauthorized_client",
        "Application '{app}'({name}) is disabled.",
        "quoted: Worklytics/psoxy#74; status chosen",
    ),
    7000215: _invalid_client(
        "Invalid client secret provided. Ensure the secret being sent in the request is the "
        "client secret value, not the client secret ID, for a secret added to app '{app}'.",
        "recorded 2022-2024 in the tests of azure-sdk-for-go, kubelogin and OpenProject",
    ),
    7000216: _invalid_client(
        "'client_assertion', 'client_secret' or 'request' is required for the "
        "'client_credentials' grant type.",
        "quoted: azure-docs#30777; status chosen",
    ),
    7000222: _invalid_client(
        "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to "
        "create new keys for your app: https://aka.ms/NewClientSecret, or consider using "
        "certificate credentials for added security: https://aka.ms/certCreds.",
        "quoted 2023-2025: liprec/vsts-release-aas#119",
    ),
    7000229: _invalid_client(
        "The client application {app} is missing service principal in the tenant {tenant}. See "
        "instructions here: https://go.microsoft.com/fwlink/?linkid=2225119",
        "quoted 2025 in Microsoft's 'Authentication Troubleshooting' of the Teams SDK",
    ),
    7000272: _invalid_client(
        "The certificate with identifier {kid} used to sign the federated credential could not be "
        "found in the metadata of identity provider {issuer}. Please validate that your Identity "
        "Provider's metadata exposes the key used to sign the incoming token.",
        "quoted: azure-workload-identity#1232",
    ),
    7002137: _invalid_client(
        "No matching federated identity record found for presented assertion subject "
        "'{subject}'. Please make sure the federated identity credential Subject is "
        "'{subject}'.",
        "quoted: microsoft/Agents#202",
    ),
    # Subjects are compared with their case since August 2024, as the page that the text names says.
    7002138: _invalid_client(
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
    9001023: _invalid_request(
        "The grant type is not supported over the /common or /consumers endpoints. Please use the "
        "/organizations or tenant-specific endpoint.",
        "quoted: microsoft-authentication-library-for-js#3561; status chosen",
    ),
    9002313: _invalid_request(
        "Invalid request. Request is malformed or invalid.",
        "recorded 2025 for a refresh token; here for a form too large or not readable",
    ),
    # Where a user signs in
    28000: _invalid_request(
        "Provided value for the input parameter scope is not valid because it contains more than "
        "one resource. Scope {scope} is not valid.",
        "text quoted: Earlybyte/aad_oauth#328; error and status chosen",
    ),
    50020: _invalid_grant(
        "User account '{user}' from identity provider '{idp}' does not exist in tenant '{tenant}' "
        "and cannot access the application '{app}'({name}) in that tenant. The account needs to "
        "be added as an external user in the tenant first. Sign out and sign in again with a "
        "different Azure Active Directory user account.",
        "text documented (UserUnauthorized); error and status chosen",
    ),
    50034: _invalid_grant(
        "The user account {user} does not exist in the {tenant} directory. To sign into this "
        "application, the account must be added to the directory.",
        "recorded 2021 for a user name and password in the tests of azure-sdk-for-js",
        "bad_token",
    ),
    50057: _invalid_grant(
        "The user account is disabled.", "documented (UserDisabled); error and status chosen"
    ),
    50058: TokenRow(
        400,
        "login_required",
        "A silent sign-in request was sent but no user is signed in.",
        "quoted: microsoft-authentication-library-for-js#5148",
    ),
    50148: _invalid_grant(
        "The code_verifier does not match the code_challenge supplied in the authorization "
        "request for PKCE.",
        "quoted for a missing verifier: pennersr/django-allauth#2916",
    ),
    50149: _invalid_request(
        "Invalid Code_Challenge_method parameter.",
        "text documented: MicrosoftDocs/entra-docs#1538; error and status chosen",
    ),
    50173: _invalid_grant(
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. "
        "The user might have changed or reset their password. The grant was issued on '{issued}' "
        "and the TokensValidFrom date (before which tokens are not valid) for this user is "
        "'{valid_from}'.",
        "recorded 2021 in the tests of azure-sdk-for-python; text quoted: Azure/azure-cli#16745",
        "bad_token",
    ),
    50194: TokenRow(
        400,
        "unauthorized_client",
        "Application '{app}'({name}) is not configured as a multi-tenant application. Usage of "
        "the /common endpoint is not supported for such apps created after '10/15/2018'. Use a "
        "tenant-specific endpoint or configure the application to be multi-tenant.",
        "text documented; error and status chosen",
    ),
    54005: _invalid_grant(
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or "
        "use an existing refresh token.",
        "recorded 2022, without error_uri",
    ),
    65001: _invalid_grant(
        "The user or administrator has not consented to use the application with ID '{app}' named "
        "'{name}'. Send an interactive authorization request for this user and resource.",
        "quoted: KelvinTegelaar/CIPP#1716; with prompt=none error documented as "
        "interaction_required",
        "consent_required",
    ),
    65002: _invalid_grant(
        "Consent between first party application '{app}' and first party resource '{resource}' "
        "must be configured via preauthorization - applications owned and operated by Microsoft "
        "must get approval from the API owner before requesting tokens for that API.",
        "quoted: cljung/AzureAD-B2C-scripts#1; error and status chosen",
    ),
    70005: TokenRow(
        400,
        "unsupported_response_type",
        "The value '{value}' is not a supported 'response_type'.",
        "documented (UnsupportedResponseType); text chosen",
    ),
    70007: _invalid_request(
        "'{value}' is not a supported value of 'response_mode' when requesting a token.",
        "documented (UnsupportedResponseMode); text and status chosen",
    ),
    70008: _invalid_grant(
        "The provided authorization code or refresh token has expired due to inactivity. Send a "
        "new interactive authorization request for this user and resource.",
        "text quoted: snok/django-auth-adfs#245",
    ),
    70016: TokenRow(
        400,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        "recorded 2021-2025 in the tests of azure-sdk-for-js and kubelogin; also says slow_down "
        "(RFC 8628, 3.5), for which no number is known",
    ),
    70018: TokenRow(
        400,
        "bad_verification_code",
        "The verification code is not valid, or it was used already.",
        "documented (BadVerificationCode); text chosen",
    ),
    70020: TokenRow(
        400,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This device code "
        "has expired.",
        "quoted: Azure/azure-cli#22251, ramosbugs/oauth2-rs#193",
    ),
    90023: _invalid_request(
        "Unsupported '{field}' value.", "documented (InvalidRequest); text and status chosen"
    ),
    90094: TokenRow(
        403,
        "access_denied",
        "An administrator of {tenant} has to consent before '{name}' can be used here.",
        "number documented (AdminConsentRequired); text and status chosen",
    ),
    90119: _invalid_request(
        "The user code is null or empty.", "documented (InvalidUserCode); error and status chosen"
    ),
    90120: _invalid_request(
        "The request was already authorized or declined.",
        "documented (InvalidDeviceFlowRequest); error and status chosen",
    ),
    90130: _invalid_request(
        "Application '{app}'({name}) is not supported over the /common or /consumers endpoints. "
        "Please use the /organizations or tenant-specific endpoint.",
        "documented (NonConvergedAppV2GlobalEndpointNotSupported); that the v2 consent endpoint "
        "answers so is chosen",
    ),
    500112: _invalid_client(
        "The reply address '{uri}' does not match the reply address '{expected}' provided when "
        "requesting Authorization code.",
        "text quoted: PartnerCenterSamples/Reseller-Web-Application#73; status chosen",
    ),
    501481: _invalid_grant(
        "The Code_Verifier does not match the code_challenge supplied in the authorization "
        "request.",
        "quoted: microsoft-authentication-library-for-js#7425",
    ),
    501491: _invalid_request(
        "Invalid size of Code_Challenge parameter.",
        "documented (InvalidCodeChallengeMethodInvalidSize); error and status chosen",
    ),
    650053: TokenRow(
        400,
        "invalid_client",
        "The application '{name}' asked for scope '{scope}' that doesn't exist on the resource "
        "'{resource}'. Contact the app vendor.",
        "quoted: azure-docs#67211; status chosen",
    ),
    650057: TokenRow(
        400,
        "invalid_client",
        "Invalid resource. The client has requested access to a resource which is not listed in "
        "the requested permissions in the client's application registration. Client app ID: "
        "{app}({name}). Resource value from request: {resource}. Resource app ID: {resource_app}. "
        "List of valid resources from app registration: .",
        "text documented; error and status chosen",
    ),
    700005: _invalid_grant(
        "Provided Authorization Code is intended to use against other tenant, thus rejected.",
        "quoted: nextauthjs/next-auth#11602; error and status chosen",
    ),
    700007: _invalid_grant(
        "The grant was issued for a different client id.",
        "quoted: Partner-Center-PowerShell#419; error and status chosen",
        "client_mismatch",
    ),
    700054: TokenRow(
        400,
        "unsupported_response_type",
        "response_type 'id_token' is not enabled for the application.",
        "text documented; error as the page on the code flow has it",
    ),
    # The ninety days are those of every client but single-page applications ("Refresh tokens in the
    # Microsoft identity platform").
    700082: _invalid_grant(
        "The refresh token has expired due to inactivity. The token was issued on {issued} and "
        "was inactive for 90.00:00:00.",
        "quoted 2020-2026: microsoft/foundry-dev-tools#707",
        "bad_token",
    ),
    700171: TokenRow(
        400,
        "authorization_declined",
        "OAuth 2.0 device flow error. The end user denied the authorization request.",
        "error documented; number not confirmed, and the text chosen",
    ),
    900971: _invalid_request(
        "No reply address provided.", "text documented; error and status chosen"
    ),
    7000218: _invalid_client(
        "The request body must contain the following parameter: 'client_assertion' or "
        "'client_secret'.",
        "quoted 2019-2024: haystackeditor/haystack-editor#41; status chosen",
    ),
}
