"""Cases: what the token may do, and what Graph answers."""

from graphdaemon.diagnosis.cases.case import Case

_PERMISSIONS = "App registrations > the app > API permissions"

GRAPH: dict[str, Case] = {
    # What the token may do
    "permission_missing": Case(
        "permission_missing",
        "The token's roles do not allow the call.",
        "Add the application permission {role} (API permissions > Microsoft Graph > Application "
        "permissions, not Delegated) and have an administrator grant consent; tokens issued before "
        "that keep their old roles until they expire. Consent page: {consent}",
    ),
    "roles_absent": Case(
        "permission_missing",
        "The token carries no role at all. From outside, three causes look the same: no "
        "application permission was added, a delegated one of the same name was added instead, or "
        "consent was not granted.",
        "Add the application permission {role} (API permissions > Microsoft Graph > Application "
        "permissions, not Delegated; Status must say Granted) and have an administrator grant "
        "consent; tokens issued before that keep their old roles until they expire. Consent page: "
        "{consent}",
    ),
    "caller_kind_refused": Case(
        "permission_missing",
        "Graph refuses the call to callers of this kind, whatever their roles: agent identities "
        "(Microsoft Entra Agent ID), apps alone, or users of another app such as Azure CLI.",
        "Look in the API's page which kinds of caller it takes; calls about agent identities take "
        "an app registration of your own with the AgentIdentity permission that they name, and no "
        "token with Directory.AccessAsUser.All, as Azure CLI's are.",
    ),
    "api_refused": Case(
        "permission_missing",
        "The API refuses an app with these roles. Which role it requires, only the API knows.",
        f"Ask the API's owner for the app role, add it ({_PERMISSIONS} > Add a permission > My "
        "APIs > Application permissions), and have an administrator grant consent: {consent}",
    ),
    "delegated_only": Case(
        "permission_missing",
        "The app requests the delegated permission of this name, which works only with a "
        "signed-in user.",
        f"Add the application permission {{role}} too, in {{portal}}: {_PERMISSIONS} > Add a "
        "permission > Microsoft Graph > Application permissions, not Delegated permissions; then "
        "have an administrator grant consent: {consent}",
    ),
    "consent_missing": Case(
        "permission_missing",
        "The app requests the permission, but no administrator has granted it.",
        f"Have an administrator press Grant admin consent in {{portal}}, {_PERMISSIONS}, or on the "
        "consent page: {consent}",
    ),
    "token_older": Case(
        "permission_missing",
        "Consent was granted after this token was issued. A new token has the role; this one "
        "never will.",
        "Restart the programs that still hold the old token, or wait until it expires (graphdaemon "
        "asks for a new one by itself after five minutes); nothing is to be changed in the portal.",
    ),
    "roles_suffice": Case(
        "permission_missing",
        "The token has a role that allows this call, so the permission is not what is missing. "
        "What else decides cannot be proved from outside.",
        "Ask an administrator to check, in this order: {beyond}{in_logs}.",
    ),
    "roles_excessive": Case(
        "",
        "The app has more permissions than these calls need. Whoever steals its credential has "
        "them too.",
        f"Remove the roles that no call of the app needs, in {{portal}}, {_PERMISSIONS}: ... > "
        "Remove permission, then Revoke admin consent.",
    ),
    "answer_foreign": Case(
        "answer_foreign",
        "The answer is not Graph's: a firewall or proxy on the way made it, and what Graph would "
        "say is not known.",
        "Ask whoever runs {answerer} to let this machine reach {graph}; permissions and consent "
        "are not to blame.",
    ),
    "credential_kind_barred": Case(
        "request_refused",
        "An app management policy of the tenant forbids this kind of credential, most often "
        "secrets.",
        "Use what the policy allows, a certificate (`graphdaemon certificate new`) or a federated "
        "credential; or ask an administrator to exempt the app (Entra ID > Enterprise apps > "
        "Application policies).",
    ),
    "credential_life_barred": Case(
        "request_refused",
        "An app management policy of the tenant does not allow a credential to be valid for so "
        "long.",
        "Choose a shorter time (--days), or ask an administrator what the policy named in the "
        "answer allows.",
    ),
    "app_policy_refused": Case(
        "request_refused",
        "An app management policy of the tenant forbids this change of the app.",
        "Ask an administrator what the policy named in the answer allows, or to exempt the app "
        "(Entra ID > Enterprise apps > Application policies).",
    ),
    "licence_missing": Case(
        "licence_missing",
        "The tenant has no licence for this part of Graph.",
        "Ask an administrator which licences the tenant has (Billing > Licenses in {portal}); the "
        "permission is not to blame.",
    ),
    "user_required": Case(
        "request_refused",
        "The address stands for the signed-in user, but no user is signed in.",
        "Name the user: /users/{{id or userPrincipalName}} instead of /me.",
    ),
    "audience_wrong": Case(
        "token_refused",
        "The token is for another API than the one that was called.",
        'Set scope to ["{api}/.default"], the API behind endpoint, and nothing else.',
    ),
    "token_refused": Case(
        "token_refused",
        "The API does not accept the token.",
        "Check that scope names the API behind endpoint (same cloud, same host), that the token "
        "arrives whole (Authorization: Bearer, and nothing around it), and that this machine's "
        "clock is right.",
    ),
    "token_expired": Case(
        "token_refused",
        "The token has expired, or is not valid yet.",
        "Request a new token when the old one expires, after about an hour. If the token is new, "
        "set this machine's clock (NTP).",
    ),
    "principal_unknown": Case(
        "token_refused",
        "Graph does not find the app in the tenant that the token is for: nobody has consented to "
        "it there, the authority names the wrong tenant, or the app was deleted.",
        "Compare the token's tid with the tenant that is meant, and have an administrator of it "
        "consent: {consent}. If the app is new, wait some minutes; if it was deleted, register it "
        "again, and use the new client ID.",
    ),
    "error_unnamed": Case(
        "request_refused",
        "Graph gives no reason. Only the HTTP status says more: 401 points to the token, 403 to "
        "the permission, 404 to the path or ID, 5xx to Graph itself.",
        "Find the status of the answer{to_graph_support}.",
    ),
    # What Graph answers otherwise
    "not_found": Case(
        "not_found",
        "Graph has no such object or path.",
        "Check the ID, the path, and that endpoint's version exists.",
    ),
    "throttled": Case(
        "throttled",
        "Graph asked to wait.",
        "Run it later, or with less else running as the same app.",
    ),
    "graph_unavailable": Case(
        "graph_unavailable",
        "Graph failed, through no fault of the request.",
        "Run it again later; the settings are not to blame.",
    ),
    "page_link_expired": Case(
        "request_refused",
        "The link to the next page has expired: such a link is good for minutes.",
        "Begin again at the first page; `graphdaemon list` does that by itself, and only for the "
        "part that is missing.",
    ),
    "not_implemented": Case(
        "request_refused",
        "This part of Graph does not do what was asked for (501), now or later.",
        "Leave {undone}; repeating it does not help.",
    ),
    "redirected": Case(
        "request_refused",
        "Graph is elsewhere.",
        "Put Graph's own address into endpoint: redirects are not followed, since the token goes "
        "to no other address.",
    ),
    "request_refused": Case(
        "request_refused",
        "Graph refused the request as it was put.",
        "Correct what the answer names; where it names nothing, compare method, path, options and "
        "body with the reference of Graph.",
    ),
    "page_malformed": Case(
        "page_malformed",
        "The answer is not the JSON it should be.",
        "Run it again; if it recurs, check endpoint, and look for a proxy or sign-in page that "
        "answers in Graph's place.",
    ),
}
