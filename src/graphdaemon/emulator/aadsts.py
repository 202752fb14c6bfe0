"""The token service's refusals, by AADSTS number.

Statuses and texts as recorded, quoted in public issues, documented or chosen:
`evidence` says which.
"""

from typing import NamedTuple

__all__ = ["OAUTH", "OAuthRow"]


class OAuthRow(NamedTuple):
    """One refusal of the token service; `text` has the fault's values in braces."""

    status: int
    error: str
    text: str
    evidence: str


_KEYS_HINT = (
    "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured "
    "keys for app Id '{app}'."
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
    90014: OAuthRow(
        400,
        "invalid_request",
        "The required field '{field}' is missing from the credential. Ensure that you have all "
        "the necessary parameters for the login request.",
        "quoted: ctron/oidc-cli#7",
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
    9002313: OAuthRow(
        400,
        "invalid_request",
        "Invalid request. Request is malformed or invalid.",
        "recorded 2025 for a refresh token; here for a form too large or not readable",
    ),
}
