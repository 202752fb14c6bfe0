"""
Cases: why a protected API of one's own refuses a caller; the meanings are what it answers.

They become the `error_description` of a header, so that they hold no quotation mark, no backslash,
and nothing but ASCII (RFC 6750, 3). The steps are for whoever runs the caller, or the API.
"""

from graphdaemon.diagnosis.cases.case import Case

_ROLE = (
    "Add the app role {role} to the calling app (App registrations > the calling app > API "
    "permissions > Add a permission > My APIs > Application permissions), and have an "
    "administrator grant consent; a token that was issued before that keeps the roles it had until "
    "it expires, so ask for a new one."
)

PROTECTED_API: dict[str, Case] = {
    # The request
    "bearer_missing": Case(
        "bearer_missing",
        "The request carries no bearer token.",
        "Send the header Authorization, with the word Bearer and an access token for this API. "
        "graphdaemon does so if endpoint is the API's address and scope is its App ID URI "
        "followed by /.default.",
    ),
    "bearer_repeated": Case(
        "bearer_invalid",
        "The request carries the header Authorization more than once.",
        "Send the header Authorization once.",
    ),
    # The token
    "bearer_malformed": Case(
        "bearer_invalid",
        "What follows Bearer is not a JWT as Entra ID issues them.",
        "Send the access token whole, as the token service returned it, with nothing around it.",
    ),
    "bearer_large": Case(
        "bearer_invalid",
        "The token is larger than 32 kB.",
        "Ask for fewer claims in it (Token configuration of the API's registration: groups as app "
        "roles, for example).",
    ),
    "bearer_unsigned": Case(
        "bearer_invalid",
        "The token is not signed by RS256, the only algorithm that is accepted.",
        "Send the access token that the tenant's token service issued; no other algorithm is "
        "taken, whatever key it was signed with.",
    ),
    "bearer_critical": Case(
        "bearer_invalid",
        "The header of the token demands an extension (crit), which no token of Entra ID does.",
        "Send the access token that the tenant's token service issued.",
    ),
    "bearer_claims_missing": Case(
        "bearer_invalid",
        "The token lacks the claim {claim}, or it is not of the form that Entra ID gives it.",
        "Send an access token for this API that Entra ID issued: an ID token, and a token of "
        "another issuer, lack some of its claims.",
    ),
    "bearer_for_graph": Case(
        "bearer_invalid",
        "The token is for Microsoft Graph, not for this API.",
        "Set scope in the caller's settings to the App ID URI of this API followed by /.default: "
        "a token is for one API only.",
    ),
    "bearer_for_other": Case(
        "bearer_invalid",
        "The token is for another API: its aud is {audience}.",
        "Set scope in the caller's settings to the App ID URI of this API followed by /.default. "
        "If aud names this very API, add it to audience in the API's settings: a token of version "
        "2 names the client ID, one of version 1 what the caller asked for; the API's manifest "
        "says which version it gets (requestedAccessTokenVersion, accessTokenAcceptedVersion).",
    ),
    "bearer_tenant": Case(
        "bearer_invalid",
        "The token is from a tenant whose tokens this API does not accept: {sender}.",
        "Ask the token service of the API's own tenant (authority in the caller's settings); if "
        "that tenant is meant to call, add its ID to tenants in the API's settings.",
    ),
    "bearer_issuer": Case(
        "bearer_invalid",
        "The issuer of the token is not the one of its tenant and version.",
        "Compare iss and ver in the token with authority in the API's settings: version 1.0 is "
        "issued by https://sts.windows.net/{{tenant ID}}/, version 2.0 by "
        "https://login.microsoftonline.com/{{tenant ID}}/v2.0, and other clouds have their own. "
        "The API's manifest says which version it gets (requestedAccessTokenVersion, "
        "accessTokenAcceptedVersion).",
    ),
    "bearer_version": Case(
        "bearer_invalid",
        "The version of the token (ver) is neither 1.0 nor 2.0.",
        "Send an access token for this API that Entra ID issued.",
    ),
    "bearer_expired": Case(
        "bearer_invalid",
        "The token has expired.",
        "Ask for a new one; if new ones are refused too, set the clock of the API's machine (NTP).",
    ),
    "bearer_early": Case(
        "bearer_invalid",
        "The token is not valid yet.",
        "Set the clock of the API's machine (NTP): by it, the token begins in the future.",
    ),
    "bearer_bound": Case(
        "bearer_invalid",
        "The token is bound to a key (cnf), which a bearer token does not prove.",
        "Ask for a bearer token: without proof of possession (pop) in the request to the token "
        "service.",
    ),
    "bearer_key_unknown": Case(
        "bearer_invalid",
        "The token is signed with a key that its tenant does not publish.",
        "Ask for a new token. If new ones are refused too, compare iss in the token with authority "
        "in the API's settings; a key that has just been published is known after half a minute "
        "at most.",
    ),
    "bearer_forged": Case(
        "bearer_invalid",
        "The signature of the token is not that of the key it names.",
        "Send the access token as the token service returned it: something has changed or made it.",
    ),
    "bearer_revoked": Case(
        "bearer_invalid",
        "The token was issued before {since}, and tokens issued before then are no longer "
        "accepted.",
        "Ask for a new token, with the claims that the header WWW-Authenticate carries if it "
        "carries any; graphdaemon does so by itself.",
    ),
    # The caller
    "caller_delegated": Case(
        "caller_forbidden",
        "The token acts for a user, and this call is for apps on their own.",
        "Ask for a token by client credentials (a client secret or certificate, with no user "
        "signed in).",
    ),
    "caller_app_only": Case(
        "caller_forbidden",
        "The token belongs to an app without a user, and this call is for signed-in users.",
        "Sign a user in, and ask for the scope {scope} of this API.",
    ),
    "caller_role_none": Case(
        "caller_forbidden",
        "The token has no app role of this API, so it lacks the app role {role}.",
        _ROLE,
    ),
    "caller_role_missing": Case(
        "caller_forbidden",
        "The token lacks the app role {role}.",
        _ROLE,
    ),
    "caller_scope_missing": Case(
        "caller_forbidden",
        "The token lacks the scope {scope}.",
        "Ask for the scope {scope} of this API when the user signs in, and let the user or an "
        "administrator consent to it.",
    ),
    "caller_unlisted": Case(
        "caller_forbidden",
        "The calling app is not among those that may call this API: {client}.",
        "If the calling app is meant to call, add its client ID to clients in the API's settings.",
    ),
    # The API itself
    "keys_unavailable": Case(
        "keys_unavailable",
        "The keys for checking tokens cannot be fetched at the moment.",
        "Send the request again later; if it goes on, whoever runs the API finds the reason in its "
        "log: the way to the token service, or authority in the API's settings.",
    ),
}
