"""The token service's refusals where a user signs in, by AADSTS number; see `aadsts`."""

from entra_emulator.errors.token_service import OAuthRow

DELEGATED: dict[int, OAuthRow] = {
    28000: OAuthRow(
        400,
        "invalid_request",
        "Provided value for the input parameter scope is not valid because it contains more than "
        "one resource. Scope {scope} is not valid.",
        "text quoted: Earlybyte/aad_oauth#328; error and status chosen",
    ),
    50020: OAuthRow(
        400,
        "invalid_grant",
        "User account '{user}' from identity provider '{idp}' does not exist in tenant '{tenant}' "
        "and cannot access the application '{app}'({name}) in that tenant. The account needs to "
        "be added as an external user in the tenant first. Sign out and sign in again with a "
        "different Azure Active Directory user account.",
        "text documented (UserUnauthorized); error and status chosen",
    ),
    50034: OAuthRow(
        400,
        "invalid_grant",
        "The user account {user} does not exist in the {tenant} directory. To sign into this "
        "application, the account must be added to the directory.",
        "recorded 2021 for a user name and password",
        "bad_token",
    ),
    50057: OAuthRow(
        400,
        "invalid_grant",
        "The user account is disabled.",
        "documented (UserDisabled); error and status chosen",
    ),
    50058: OAuthRow(
        400,
        "login_required",
        "A silent sign-in request was sent but no user is signed in.",
        "quoted: microsoft-authentication-library-for-js#5148",
    ),
    50148: OAuthRow(
        400,
        "invalid_grant",
        "The code_verifier does not match the code_challenge supplied in the authorization "
        "request for PKCE.",
        "quoted for a missing verifier: pennersr/django-allauth#2916",
    ),
    50149: OAuthRow(
        400,
        "invalid_request",
        "Invalid Code_Challenge_method parameter.",
        "text documented: MicrosoftDocs/entra-docs#1538; error and status chosen",
    ),
    50173: OAuthRow(
        400,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. "
        "The user might have changed or reset their password. The grant was issued on '{issued}' "
        "and the TokensValidFrom date (before which tokens are not valid) for this user is "
        "'{valid_from}'.",
        "recorded 2021; text quoted: Azure/azure-cli#16745",
        "bad_token",
    ),
    50194: OAuthRow(
        400,
        "unauthorized_client",
        "Application '{app}'({name}) is not configured as a multi-tenant application. Usage of "
        "the /common endpoint is not supported for such apps created after '10/15/2018'. Use a "
        "tenant-specific endpoint or configure the application to be multi-tenant.",
        "text documented; error and status chosen",
    ),
    54005: OAuthRow(
        400,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or "
        "use an existing refresh token.",
        "recorded 2022, without error_uri",
    ),
    65001: OAuthRow(
        400,
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID '{app}' named "
        "'{name}'. Send an interactive authorization request for this user and resource.",
        "quoted: KelvinTegelaar/CIPP#1716; with prompt=none error documented as "
        "interaction_required",
        "consent_required",
    ),
    65002: OAuthRow(
        400,
        "invalid_grant",
        "Consent between first party application '{app}' and first party resource '{resource}' "
        "must be configured via preauthorization - applications owned and operated by Microsoft "
        "must get approval from the API owner before requesting tokens for that API.",
        "quoted: cljung/AzureAD-B2C-scripts#1; error and status chosen",
    ),
    70005: OAuthRow(
        400,
        "unsupported_response_type",
        "The value '{value}' is not a supported 'response_type'.",
        "documented (UnsupportedResponseType); text chosen",
    ),
    70007: OAuthRow(
        400,
        "invalid_request",
        "'{value}' is not a supported value of 'response_mode' when requesting a token.",
        "documented (UnsupportedResponseMode); text and status chosen",
    ),
    70008: OAuthRow(
        400,
        "invalid_grant",
        "The provided authorization code or refresh token has expired due to inactivity. Send a "
        "new interactive authorization request for this user and resource.",
        "text quoted: snok/django-auth-adfs#245",
    ),
    70016: OAuthRow(
        400,
        "authorization_pending",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        "recorded 2021-2025; also says slow_down (RFC 8628, 3.5), for which no number is known",
    ),
    70018: OAuthRow(
        400,
        "bad_verification_code",
        "The verification code is not valid, or it was used already.",
        "documented (BadVerificationCode); text chosen",
    ),
    70020: OAuthRow(
        400,
        "expired_token",
        "The provided value for the input parameter 'device_code' is not valid. This device code "
        "has expired.",
        "quoted: Azure/azure-cli#22251, ramosbugs/oauth2-rs#193",
    ),
    90023: OAuthRow(
        400,
        "invalid_request",
        "Unsupported '{field}' value.",
        "documented (InvalidRequest); text and status chosen",
    ),
    90094: OAuthRow(
        403,
        "access_denied",
        "An administrator of {tenant} has to consent before '{name}' can be used here.",
        "number documented (AdminConsentRequired); text and status chosen",
    ),
    90119: OAuthRow(
        400,
        "invalid_request",
        "The user code is null or empty.",
        "documented (InvalidUserCode); error and status chosen",
    ),
    90120: OAuthRow(
        400,
        "invalid_request",
        "The request was already authorized or declined.",
        "documented (InvalidDeviceFlowRequest); error and status chosen",
    ),
    90130: OAuthRow(
        400,
        "invalid_request",
        "Application '{app}'({name}) is not supported over the /common or /consumers endpoints. "
        "Please use the /organizations or tenant-specific endpoint.",
        "documented (NonConvergedAppV2GlobalEndpointNotSupported); that the v2 consent endpoint "
        "answers so is chosen",
    ),
    500112: OAuthRow(
        401,
        "invalid_client",
        "The reply address '{uri}' does not match the reply address '{expected}' provided when "
        "requesting Authorization code.",
        "text quoted: PartnerCenterSamples/Reseller-Web-Application#73; status chosen",
    ),
    501481: OAuthRow(
        400,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization "
        "request.",
        "quoted: microsoft-authentication-library-for-js#7425",
    ),
    501491: OAuthRow(
        400,
        "invalid_request",
        "Invalid size of Code_Challenge parameter.",
        "documented (InvalidCodeChallengeMethodInvalidSize); error and status chosen",
    ),
    650053: OAuthRow(
        400,
        "invalid_client",
        "The application '{name}' asked for scope '{scope}' that doesn't exist on the resource "
        "'{resource}'. Contact the app vendor.",
        "quoted: azure-docs#67211; status chosen",
    ),
    650057: OAuthRow(
        400,
        "invalid_client",
        "Invalid resource. The client has requested access to a resource which is not listed in "
        "the requested permissions in the client's application registration. Client app ID: "
        "{app}({name}). Resource value from request: {resource}. Resource app ID: {resource_app}. "
        "List of valid resources from app registration: .",
        "text documented; error and status chosen",
    ),
    700005: OAuthRow(
        400,
        "invalid_grant",
        "Provided Authorization Code is intended to use against other tenant, thus rejected.",
        "quoted: nextauthjs/next-auth#11602; error and status chosen",
    ),
    700007: OAuthRow(
        400,
        "invalid_grant",
        "The grant was issued for a different client id.",
        "quoted: Partner-Center-PowerShell#419; error and status chosen",
        "client_mismatch",
    ),
    700054: OAuthRow(
        400,
        "unsupported_response_type",
        "response_type 'id_token' is not enabled for the application.",
        "text documented; error as the page on the code flow has it",
    ),
    700082: OAuthRow(
        400,
        "invalid_grant",
        "The refresh token has expired due to inactivity. The token was issued on {issued} and "
        "was inactive for 90.00:00:00.",
        "quoted 2020-2026: microsoft/foundry-dev-tools#707",
        "bad_token",
    ),
    700171: OAuthRow(
        400,
        "authorization_declined",
        "OAuth 2.0 device flow error. The end user denied the authorization request.",
        "error documented; number not confirmed, and the text chosen",
    ),
    900971: OAuthRow(
        400,
        "invalid_request",
        "No reply address provided.",
        "text documented; error and status chosen",
    ),
    7000218: OAuthRow(
        401,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or "
        "'client_secret'.",
        "quoted 2019-2024: haystackeditor/haystack-editor#41; status chosen",
    ),
}
