"""Cases: the tenant, the app and its credential, as the token service sees them."""

from graphdaemon.diagnosis.cases.case import Case

_KEYS = "App registrations > the app > Certificates & secrets"
_PERMISSIONS = "App registrations > the app > API permissions"

IDENTITY: dict[str, Case] = {
    # What proves the app's identity
    "secret_wrong": Case(
        "secret_wrong",
        "The client secret does not belong to this app.",
        "Put the secret's Value, not its Secret ID, into the settings, and check that client_id is "
        "the app it was made for; the portal shows the Value only once, so make a new secret under "
        "Certificates & secrets if it is lost.",
    ),
    "secret_id_given": Case(
        "secret_wrong",
        "The value given as the secret is a GUID: that is the Secret ID, not the secret.",
        "Put the secret's Value, not its Secret ID, into the settings; the portal shows the Value "
        f"only once: in {{portal}}, {_KEYS} > New client secret makes another.",
    ),
    "secret_expired": Case(
        "secret_expired",
        "The client secret is correct, but has expired.",
        "Make a new secret (or better, upload a certificate) under App registrations > "
        "Certificates & secrets, and put it into the settings.",
    ),
    "credential_missing": Case(
        "credential_missing",
        "The request carried nothing that proves the app's identity.",
        f"Make a credential under {_KEYS}, and put it into the settings.",
    ),
    "client_public": Case(
        "client_public",
        "The app is registered as a public client, which has no credential to show.",
        "Set Allow public client flows to No (App registrations > the app > Authentication), or "
        "use the client ID of an app that keeps a secret.",
    ),
    "certificate_unknown": Case(
        "certificate_refused",
        "The app has no certificate with this thumbprint: it was not uploaded, or was uploaded to "
        "another app.",
        f"Upload the certificate (the public half: .cer, .crt or .pem) in {{portal}}, {_KEYS} > "
        "Certificates > Upload certificate, and compare the thumbprint shown there; where the app "
        "trusts a subject name and issuer instead (SNI), set send_chain to true.",
    ),
    "certificate_chain": Case(
        "certificate_refused",
        "The app trusts certificates by subject name and issuer (SNI), and this one is not among "
        "them, or was sent without its chain.",
        "Set send_chain to true, with the certificates up to the issuer in the same file, and "
        "compare subject and issuer (openssl x509 -noout -subject -issuer) with what the app "
        "trusts.",
    ),
    "certificate_weak": Case(
        "certificate_refused",
        "The certificate's key is too short: RSA keys need at least 2048 bits.",
        "Make a new certificate (`graphdaemon certificate new`), upload it in {portal}, "
        f"{_KEYS} > Certificates > Upload certificate, and name it in the settings.",
    ),
    "key_unreadable": Case(
        "private_key_malformed",
        "The private key cannot be read: the file is not a PEM key, is encrypted, or contains the "
        "certificate instead (text of Python's cryptography).",
        "Name the file that holds BEGIN PRIVATE KEY, whole and with its line breaks; a .pfx or "
        "an encrypted key needs its passphrase, and a .cer holds no key.",
    ),
    "thumbprint_malformed": Case(
        "setting_invalid",
        "The thumbprint is not of hexadecimal digits alone, or one is missing (text of Python's "
        "binascii, which MSAL calls).",
        "Copy the thumbprint again, from the certificate's row in the portal: 40 digits (SHA-1) or "
        "64 (SHA-256), without blanks or invisible characters.",
    ),
    "certificate_unrelated": Case(
        "certificate_refused",
        "The app knows this thumbprint, but the signature was made with another certificate's key.",
        "Name the private key that belongs to the uploaded certificate in private_key_file, or "
        f"upload the certificate made from this key: in {{portal}}, {_KEYS} > Certificates.",
    ),
    "certificate_expired": Case(
        "certificate_refused",
        "The certificate has expired.",
        "Make a new certificate (`graphdaemon certificate new`), upload it in {portal}, "
        f"{_KEYS} > Certificates > Upload certificate, and name it in the settings.",
    ),
    "certificate_ending": Case(
        "",
        "The certificate ends soon, and with it every run.",
        "Replace the certificate while it is valid: `graphdaemon certificate rotate` does, without "
        "anybody's help.",
    ),
    "secret_ending": Case(
        "",
        "The app's last secret ends soon, and with it every run.",
        f"Make a new secret (or better, upload a certificate) in {{portal}}, {_KEYS}, and put it "
        "into the settings.",
    ),
    "certificate_early": Case(
        "certificate_refused",
        "The certificate is not valid yet.",
        "Compare the first day of the certificate (openssl x509 -noout -startdate) with the date, "
        "and set this machine's clock if that is wrong.",
    ),
    "certificate_refused": Case(
        "certificate_refused",
        "The app's signature is not accepted.",
        "Upload the certificate that belongs to private_key_file under App registrations > "
        "Certificates & secrets, and compare the thumbprint shown there with the one in the "
        "settings.",
    ),
    "assertion_foreign": Case(
        "certificate_refused",
        "The assertion is another app's: its issuer and subject are not the client ID.",
        "Set iss and sub of the assertion to the client ID that the request names; where a key "
        "signs for several apps, check that client_id is the one meant.",
    ),
    "assertion_expired": Case(
        "clock_wrong",
        "The assertion was outside its time when it arrived: this machine's clock is wrong, or a "
        "token of a platform (a federated credential) was kept until it had expired.",
        "Compare this machine's clock with the time in the answer, and set it (NTP); if it is "
        "right, have the platform's token renewed, and read it anew for each request.",
    ),
    "assertion_stale": Case(
        "assertion_refused",
        "The platform's token (the federated token) had expired when it was shown; this machine's "
        "clock is right.",
        "Look why the platform does not renew {token}: a pod's file is renewed by the kubelet, "
        "another file by whatever writes it; in GitHub Actions set federated to github, which "
        "asks for a new one each time.",
    ),
    "assertion_early": Case(
        "assertion_refused",
        "The platform's token (the federated token) is not valid yet by the token service's "
        "clock; this machine's clock is right.",
        "Set the clock of whatever issues the platform's token (NTP); until then, wait for the "
        "moment from which it is valid.",
    ),
    "assertion_unreadable": Case(
        "certificate_refused",
        "The signed assertion does not have the form that is asked for.",
        "Check authority (host and tenant: the assertion is made out to them) and client_id; use "
        "an RSA key, and look for a proxy that alters requests.",
    ),
    # "Agent OAuth flows: Autonomous app flow", Microsoft Entra Agent ID.
    "agent_blueprint": Case(
        "identity_refused",
        "The app is an agent identity blueprint (Microsoft Entra Agent ID), and asked for a token "
        "as other apps do.",
        "Ask in two steps, by Microsoft's agent libraries or by hand: as the blueprint with "
        "fmi_path={{the agent identity's client ID}} for api://AzureADTokenExchange/.default, then "
        "as the agent identity with that token as client_assertion; graphdaemon does not, so give "
        "it an app registration of its own.",
    ),
    "clock_wrong": Case(
        "clock_wrong",
        "This machine's clock and the token service's are too far apart.",
        "Set this machine's clock (NTP), and run it again.",
    ),
    "federation_unmatched": Case(
        "assertion_refused",
        "No federated credential of the app matches the platform's token: its issuer, its subject "
        "or its audience differs, and the number does not say which.",
        f"Compare all three under {_KEYS} > Federated credentials with the token's iss, sub and "
        "aud, letter by letter, and check that client_id is the app that has the credential.",
    ),
    "federation_issuer": Case(
        "assertion_refused",
        "No federated credential of the app trusts this issuer.",
        f"Compare Issuer under {_KEYS} > Federated credentials with the token's iss, letter by "
        "letter: a slash at the end counts.",
    ),
    "federation_audience": Case(
        "assertion_refused",
        "The platform's token is meant for another audience.",
        "Ask the platform for a token with the audience api://AzureADTokenExchange, or the one "
        f"under {_KEYS} > Federated credentials.",
    ),
    "federation_subject": Case(
        "assertion_refused",
        "No federated credential of the app names this subject.",
        f"Compare Subject identifier under {_KEYS} > Federated credentials with the token's sub, "
        "upper and lower case included; a new credential takes some minutes to work.",
    ),
    "federation_refused": Case(
        "assertion_refused",
        "The platform's token is not accepted in place of a credential.",
        "Check that the issuer's keys can be read from the internet "
        "({{issuer}}/.well-known/openid-configuration), and that the token is an app's, not a "
        "user's.",
    ),
    # Who is asked, and for what
    "tenant_unknown": Case(
        "tenant_unknown",
        "This cloud has no such tenant.",
        "Copy Directory (tenant) ID from the app's Overview page into the authority, and check "
        "that the authority's host belongs to your cloud.",
    ),
    "tenant_blocked": Case(
        "tenant_unknown",
        "The tenant is blocked: it has not been used for a long time, or Microsoft has closed it.",
        "Ask an administrator of the tenant to have it opened again "
        "(https://aka.ms/TenantLifecycle); nothing in the settings helps.",
    ),
    "tenant_restricted": Case(
        "access_blocked",
        "A proxy on the way, or a policy, admits other tenants only (tenant restrictions).",
        "Ask whoever runs the proxy to admit the tenant (the header Restrict-Access-To-Tenants), "
        "or to let this machine through without the header.",
    ),
    "authority_common": Case(
        "tenant_unknown",
        "The authority names common, organizations or consumers, but an app without a user gets "
        "tokens only for a single tenant.",
        "Put Directory (tenant) ID from the app's Overview page into the authority, in place of "
        "common, organizations or consumers.",
    ),
    "authority_unreachable": Case(
        "identity_unreadable",
        "The authority's metadata could not be read (text of MSAL): the authority has a typing "
        "error, names a tenant that does not exist, or was not reached.",
        "Compare authority with https://login.microsoftonline.com/{{tenant ID}}, open "
        "{{authority}}/v2.0/.well-known/openid-configuration from this machine, or run "
        "`graphdaemon doctor`.",
    ),
    "cloud_wrong": Case(
        "tenant_unknown",
        "The tenant, or the app's registration, is in another national cloud than the authority.",
        "Use that cloud's authority, scope and endpoint: login.microsoftonline.com with "
        "graph.microsoft.com, login.microsoftonline.us with graph.microsoft.us (DoD: "
        "dod-graph.microsoft.us), login.partner.microsoftonline.cn with "
        "microsoftgraph.chinacloudapi.cn.",
    ),
    "client_unknown": Case(
        "client_unknown",
        "The tenant exists, but has no app with this client ID: the tenant or the ID is wrong, or "
        "it is an app of another tenant to which nobody has consented here.",
        "Compare client_id with Application (client) ID, and the authority's tenant with Directory "
        "(tenant) ID, on the app's Overview page; an app of another tenant needs admin consent "
        "first: {consent}.",
    ),
    "client_disabled": Case(
        "client_disabled",
        "The app is switched off in this tenant.",
        "Ask an administrator to enable the app: Enterprise applications > the app > Properties > "
        "Enabled for users to sign-in.",
    ),
    "scope_invalid": Case(
        "scope_invalid",
        "An app without a user can only request {{App ID URI}}/.default of a single API.",
        "Set scope to the API's App ID URI followed by /.default, for Graph "
        '["{graph}/.default"]; single permissions are chosen in the portal.',
    ),
    "resource_unknown": Case(
        "resource_unknown",
        "The tenant does not know the API that scope names.",
        "Compare scope with the App ID URI on the API's registration (Expose an API), which has "
        "none before it is set; and see that the API has a service principal in this tenant (an "
        "administrator's consent makes one).",
    ),
    "uri_unset": Case(
        "resource_unknown",
        "No API in the tenant has the App ID URI that scope names. Usually nobody has set it yet, "
        "because a new registration has none.",
        "Set the App ID URI on the API's registration: Expose an API > Set in {portal}, "
        "or `graphdaemon register --expose api://`. If it is set, compare it with scope, which is "
        "it and /.default behind it, and see that authority is the API's tenant.",
    ),
    "resource_unlisted": Case(
        "resource_unknown",
        "The API is not among those for which the app's registration requests permissions.",
        f"Add one of the API's application permissions in {{portal}}: {_PERMISSIONS} > Add a "
        "permission; then have an administrator grant consent: {consent}. Or compare scope with "
        "the App ID URIs listed there.",
    ),
    "resource_unsubscribed": Case(
        "resource_unknown",
        "The tenant has not subscribed to the service behind the API, or it is not switched on.",
        "Ask an administrator for the service's licence (Billing > Licenses), or to admit the API "
        "(its service principal) into the tenant.",
    ),
    "resource_misconfigured": Case(
        "identity_refused",
        "The registration of the API that the token is for is incomplete; its key or audience may "
        "be missing.",
        "Ask the API's owner to complete its registration; this app's settings are not to blame.",
    ),
    "resource_disabled": Case(
        "resource_disabled",
        "The API that scope names is switched off in this tenant, or its subscription has lapsed.",
        "Ask an administrator to enable the API: Enterprise applications > the API > Properties > "
        "Enabled for users to sign-in.",
    ),
    "assignment_missing": Case(
        "assignment_missing",
        "The API gives tokens only to apps that hold one of its roles, and this one holds none.",
        f"Add one of the API's application permissions ({_PERMISSIONS} > Add a permission > My "
        "APIs), and have an administrator grant consent: {consent}.",
    ),
    "access_blocked": Case(
        "access_blocked",
        "A Conditional Access policy for workload identities blocks this app, most often for where "
        "it calls from or for its risk.",
        "Ask an administrator to look at Sign-in logs > Service principal sign-ins{in_sign_ins} > "
        "Conditional Access, and to admit this machine's address or exclude the app; a managed "
        "identity is not subject to Conditional Access.",
    ),
    "region_refused": Case(
        "identity_refused",
        "The regional token service does not serve this app.",
        "Delete region from the settings.",
    ),
    "request_malformed": Case(
        "identity_refused",
        "The token request was not understood: part of it is missing or altered.",
        "POST grant_type, client_id, scope and the credential as a form to "
        "{{authority}}/oauth2/v2.0/token; graphdaemon does, so there check authority for a typing "
        "error, and look for a proxy that alters requests.",
    ),
    "request_loop": Case(
        "identity_unavailable",
        "The app asks for the same token again and again without keeping it.",
        "Keep each token until it expires (token_cache shares it between processes), and look for "
        "a program that starts again and again; then wait some minutes.",
    ),
    "redirect_unregistered": Case(
        "identity_refused",
        "The address to which the page of sign-in or consent should lead (redirect URI) is not "
        "registered for the app, or the app has none.",
        "Register the address under App registrations > the app > Authentication, letter for "
        "letter as the request names it, or request the page with one that is registered there.",
    ),
    "user_flow": Case(
        "identity_refused",
        "The number is about a user who signs in, which does not concern an app without a user.",
        "Look for the cause in the program where somebody signs in; in the settings, check that "
        "the client ID and the flow (client credentials) are the ones you mean.",
    ),
    "identity_unavailable": Case(
        "identity_unavailable",
        "The token service is overloaded or out of order.",
        "Wait a minute and run it again; the settings are not to blame.",
    ),
    "identity_unreadable": Case(
        "identity_unreadable",
        "Something that is not a token service answers at the authority's address.",
        "Check the authority's address; a proxy or sign-in page may be answering instead.",
    ),
    "client_refused": Case(
        "identity_refused",
        "The token service does not accept the app's credential, and gives no details.",
        "Compare client_id and the credential with what is registered at the token service: the "
        "secret's value, the public key, and whether a secret or a key is expected.",
    ),
    "service_refused": Case(
        "identity_refused",
        "The token service refused with an error code of OAuth, without an AADSTS number.",
        "Compare scope and the grant (client credentials) with what is registered at the token "
        "service, or ask whoever runs the service.",
    ),
    "claims_demanded": Case(
        "token_refused",
        "The token was revoked early, or lacks a claim: Graph wants a new one (claims challenge).",
        "Ask for a new token with the claims that the header WWW-Authenticate carries; graphdaemon "
        "does, so there look whether the app was just disabled or its consent taken back.",
    ),
    # The machine's own identity
    "machine_identity_absent": Case(
        "managed_identity_absent",
        "No metadata service answers on this machine, so it has no managed identity.",
        "Turn the identity on under Identity on the machine's page in the portal; outside Azure "
        "use a federated credential or a certificate.",
    ),
    "machine_identity_unassigned": Case(
        "managed_identity_absent",
        "The metadata service answers, but this machine does not have the requested identity.",
        "Check managed_identity (system, a client ID or a resource ID), and that the identity is "
        "assigned to this machine: Identity on its page in the portal.",
    ),
    "machine_identity_request": Case(
        "identity_refused",
        "The metadata service answers, and refuses the request: it came without the header "
        "`Metadata: true`, or from elsewhere than this machine, as through a proxy.",
        "Exempt 169.254.169.254 with NO_PROXY, and ask from the machine itself: what runs in a "
        "container needs the machine's own network. graphdaemon sends the header.",
    ),
    "machine_identity_unavailable": Case(
        "identity_unavailable",
        "The metadata service exists, but currently gives no token (429, 410 or 5xx).",
        "Wait a minute and run it again; the machine's identity and the settings are not to blame. "
        "If it lasts, look for a proxy on this machine that 169.254.169.254 is sent through.",
    ),
    "identity_refused": Case(
        "identity_refused",
        "The token service refused for a reason that graphdaemon does not know.",
        "Look the AADSTS number up at https://login.microsoftonline.com/error{to_support}.",
    ),
}
