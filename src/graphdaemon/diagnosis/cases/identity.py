"""Cases: the tenant, the app and its credential, as the token service sees them."""

from graphdaemon.diagnosis.cases.case import Case

_KEYS = "App registrations > the app > Certificates & secrets"
_PERMISSIONS = "App registrations > the app > API permissions"

IDENTITY: dict[str, Case] = {
    # What proves the app's identity
    "secret_wrong": Case(
        "secret_wrong",
        "The client secret is not one of this app's.",
        "Put the secret's Value, not its Secret ID, into the settings; the portal shows the Value "
        "only once, so make a new secret under Certificates & secrets if it is lost.",
    ),
    "secret_id_given": Case(
        "secret_wrong",
        "What is given as the secret is a GUID: that is the Secret ID, which is no secret.",
        "Put the secret's Value, not its Secret ID, into the settings; the portal shows the Value "
        f"only once: in {{portal}}, {_KEYS} > New client secret makes another.",
    ),
    "secret_expired": Case(
        "secret_expired",
        "The client secret was right, and has expired.",
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
        "The app has no certificate with this thumbprint: it was not uploaded, or to another app.",
        f"Upload the certificate (the public half: .cer, .crt or .pem) in {{portal}}, {_KEYS} > "
        "Certificates > Upload certificate, and compare the thumbprint shown there.",
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
        "Make a new one (`graphdaemon certificate new`), upload it in {portal}, "
        f"{_KEYS} > Certificates > Upload certificate, and name it in the settings.",
    ),
    "certificate_ending": Case(
        "",
        "The certificate ends soon, and with it every run.",
        "Replace it while it is valid: `graphdaemon certificate rotate` does, without anybody's "
        "help.",
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
        "Compare its first day (openssl x509 -noout -startdate) with the date, and set this "
        "machine's clock if that is wrong.",
    ),
    "certificate_refused": Case(
        "certificate_refused",
        "The app's signature is not accepted.",
        "Upload the certificate that belongs to private_key_file under App registrations > "
        "Certificates & secrets, and compare the thumbprint shown there with the one in the "
        "settings.",
    ),
    "assertion_unreadable": Case(
        "certificate_refused",
        "The signed assertion does not have the form that is asked for.",
        "Check authority (host and tenant: the assertion is made out to them) and client_id; use "
        "an RSA key, and look for a proxy that alters requests.",
    ),
    "clock_wrong": Case(
        "clock_wrong",
        "This machine's clock and the token service's are too far apart.",
        "Set this machine's clock (NTP), and run it again.",
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
    "client_unknown": Case(
        "client_unknown",
        "The tenant exists, and has no app with this client ID: it is the wrong tenant, the wrong "
        "ID, or an app of another tenant that nobody has admitted here.",
        "Compare client_id with Application (client) ID, and the authority's tenant with Directory "
        "(tenant) ID, on the app's Overview page; an app of another tenant needs admin consent "
        "first: {consent}.",
    ),
    "client_disabled": Case(
        "client_disabled",
        "The app is switched off in this tenant.",
        "Ask an administrator to enable it: Enterprise applications > the app > Properties > "
        "Enabled for users to sign-in.",
    ),
    "scope_invalid": Case(
        "scope_invalid",
        "An app with no user asks for {{App ID URI}}/.default of one API, and nothing finer.",
        "Set scope to the API's App ID URI followed by /.default, for Graph "
        '["{graph}/.default"]; single permissions are chosen in the portal.',
    ),
    "resource_unknown": Case(
        "resource_unknown",
        "The tenant does not know the API that scope names.",
        "Check the scope's App ID URI for a typing error, and that the API has a service principal "
        "in this tenant (an administrator's consent makes one).",
    ),
    "resource_disabled": Case(
        "resource_disabled",
        "The API that scope names is switched off in this tenant, or its subscription has lapsed.",
        "Ask an administrator to enable it: Enterprise applications > the API > Properties > "
        "Enabled for users to sign-in.",
    ),
    "assignment_missing": Case(
        "assignment_missing",
        "The API gives tokens only to apps that hold one of its roles, and this one holds none.",
        f"Add one of its application permissions ({_PERMISSIONS} > Add a permission > My APIs), "
        "and have an administrator grant consent: {consent}.",
    ),
    "access_blocked": Case(
        "access_blocked",
        "A Conditional Access policy for workload identities blocks this app, most often for where "
        "it calls from or for its risk.",
        "Ask an administrator to look at Sign-in logs > Service principal sign-ins (the "
        "correlation ID finds it) > Conditional Access, and to admit this machine's address or "
        "exclude the app; a managed identity is not subject to these policies.",
    ),
    "region_refused": Case(
        "identity_refused",
        "The regional token service does not serve this app.",
        "Delete region from the settings.",
    ),
    "request_malformed": Case(
        "identity_refused",
        "The token request was not understood: part of it is missing or altered.",
        "Check authority for a typing error, and look for a proxy that alters requests.",
    ),
    "user_flow": Case(
        "identity_refused",
        "It is about a user who signs in, which an app with no user never meets.",
        "Look for it in the program where somebody signs in; here, check that the client ID and "
        "the flow (client credentials) are the ones you mean.",
    ),
    "identity_unavailable": Case(
        "identity_unavailable",
        "The token service is overloaded or out of order.",
        "Wait a minute and run it again; the settings are not to blame.",
    ),
    "identity_unreadable": Case(
        "identity_unreadable",
        "Something answers at the authority's address that is no token service.",
        "Check the authority's address; a proxy or sign-in page may be answering instead.",
    ),
    "client_refused": Case(
        "identity_refused",
        "The token service does not accept what proves the app's identity, and says no more.",
        "Compare client_id and the credential with what is registered there: the secret's value, "
        "the public key, and whether a secret or a key is expected.",
    ),
    "service_refused": Case(
        "identity_refused",
        "The token service refused in OAuth's own words, without a number of Microsoft's.",
        "Compare scope and the grant (client credentials) with what is registered there, or ask "
        "whoever runs it.",
    ),
    "identity_refused": Case(
        "identity_refused",
        "The token service refused for a reason that is not in our table.",
        "Look the AADSTS number up at https://login.microsoftonline.com/error, or give the "
        "correlation ID to Microsoft's support.",
    ),
}
