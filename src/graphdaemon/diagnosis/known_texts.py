"""The words of services and libraries that are recognised in a text, each with its case."""

import re

# Graph's error codes, each with the status it comes with ("Microsoft Graph error responses", and
# answers quoted in public issues). UnknownError comes with any.
GRAPH_STATUSES: dict[str, int | None] = {
    "Authorization_RequestDenied": 403,
    "Authentication_MSGraphPermissionMissing": 403,
    "Authorization_IdentityNotFound": 401,
    "Authentication_MissingOrMalformed": 401,
    "Authentication_ExpiredToken": 401,
    "InvalidAuthenticationToken": 401,
    "GraphTokenValidationFail": 401,
    "CompactToken": 401,
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant": 403,
    "MailboxNotEnabledForRESTAPI": 404,
    "ErrorAccessDenied": 403,
    "AccessDenied": 403,
    "accessDenied": 403,
    "Forbidden": 403,
    "Request_ResourceNotFound": 404,
    "ResourceNotFound": 404,
    "ErrorItemNotFound": 404,
    "itemNotFound": 404,
    "Request_UnsupportedQuery": 400,
    "Request_BadRequest": 400,
    "BadRequest": 400,
    "TooManyRequests": 429,
    "activityLimitReached": 429,
    "Request_ThrottledTemporarily": 429,
    "ApplicationThrottled": 429,
    "serviceNotAvailable": 503,
    "Directory_ReplicaUnavailable": 503,
    "ServiceUnavailable": 503,
    "InternalServerError": 500,
    "NotImplemented": 501,
    "UnknownError": None,
    "generalException": 500,
}

# Of these the words are also those of HTTP's statuses, which stand beside any error.
GENERIC = frozenset(
    ("Forbidden", "BadRequest", "InternalServerError", "NotImplemented", "ServiceUnavailable")
)

# Error codes of Graph that say more than their status: the meaning and the next step.
GRAPH_MEANINGS = {
    "Directory_ExpiredPageToken": (
        "The next link is too old: the listing was interrupted for too long.",
        "Begin the listing again from its first page.",
    ),
    "resyncRequired": (
        "The delta link is too old, or the directory changed too much.",
        "Begin again without the link: read everything once, then follow the new delta link.",
    ),
    "syncStateNotFound": (
        "The delta link is too old: Graph has forgotten what it stood for.",
        "Begin again without the link: read everything once, then follow the new delta link.",
    ),
    "Directory_QuotaExceeded": (
        "The directory, or what one owner may create in it, is full.",
        "Delete what is not needed (deleted objects count for 30 days), or verify a domain.",
    ),
    "Request_UnsupportedQuery": (
        "The filter, order or search is not one that Graph serves this way.",
        "Send ConsistencyLevel: eventual and $count=true, which most of these need.",
    ),
}

# The `error` values of RFC 6749, and Microsoft's additions; unlike the numbers they are stable. The
# case whose step helps where no number stands beside.
OAUTH = {
    "invalid_client": (
        "client_refused",
        "The app could not prove who it is by its secret, certificate or federated token.",
    ),
    "unauthorized_client": (
        "client_unknown",
        "The tenant does not know the app, or does not let it ask.",
    ),
    "invalid_scope": (
        "scope_invalid",
        "What scope asks for does not have the form it must have.",
    ),
    "invalid_resource": (
        "resource_unknown",
        "The API that scope names is not known in the tenant, or is disabled.",
    ),
    "invalid_tenant": ("tenant_unknown", "The token service does not know the tenant."),
    "invalid_grant": (
        "service_refused",
        "What the request rests on (a code, a user's token) is not accepted.",
    ),
    "invalid_request": (
        "request_malformed",
        "The request was not understood: part of it is missing or malformed.",
    ),
    "unsupported_grant_type": (
        "request_malformed",
        "The token service does not know this kind of token request.",
    ),
    "temporarily_unavailable": (
        "identity_unavailable",
        "The token service is overloaded or out of order.",
    ),
    "interaction_required": (
        "user_flow",
        "A user would have to do something, but there is no user.",
    ),
    "insufficient_claims": (
        "claims_demanded",
        "The token was revoked early; Graph wants a new one (claims challenge).",
    ),
}

# How graphdaemon itself, MSAL, azure-identity and Python's cryptography report what is wrong before
# anything is sent, and the metadata service's answers ("How to use managed identities on an Azure
# VM", the troubleshooting guides of azure-identity, and public issues). Small letters; the first
# counts.
LIBRARIES = {
    "answer_foreign": r"4\d\d, not from graph",
    "authority_unreachable": r"unable to get authority configuration|endpoints_resolution_error"
    r"|your given address|openid_config_error",
    "key_unreadable": r"could not deserialize (?:key|pkcs12) data|unable to load (?:pem|private) "
    r"?(?:file|key)?|malformedframing|no start line|password was not given but private key is"
    r"|bad decrypt|invalid password or pkcs12|unable to load certificate|invaliddata\(invalidbase64"
    r"|failed to deserialize the provided pem|must be in pem or pkcs12 format",
    "thumbprint_malformed": r"odd-length string|non-hexadecimal (?:digit|number) found",
    "machine_identity_unavailable": r"metadata service gives no token for the moment"
    r"|was reached, and gave no answer|failed due to a gateway error"
    r"|failed to retrieve (?:imds|a) token after",
    "machine_identity_request": r"required metadata header not specified|\bunknown.source\b.{0,3}<",
    "machine_identity_unassigned": r"metadata service gives no token:|identity not found"
    r"|requested identity (?:has not|hasn.t|isn.t)"
    r" (?:been )?assigned|no user assigned or delegated managed identity"
    r"|multiple user assigned identities exist|no managed identity (?:was )?found for specified",
    "machine_identity_absent": r"this machine has no managed identity"
    r"|no response (?:received )?from the (?:imds|managed identity)"
    r"|no managed identity endpoint found|imds endpoint is (?:not|un)available"
    r"|managedidentitycredential authentication unavailable"
    r"|managed_identity_unreachable_network",
    "credential_missing": r"environment variables are not fully configured"
    r"|defaultazurecredential failed to retrieve a token",
    # How the frameworks of APIs refuse a token: Microsoft.IdentityModel (IDX…), Microsoft.Identity.
    # Web (IDW…), PyJWT, jsonwebtoken of Node, Spring Security.
    "bearer_for_other": r"idx10214|idx10208|audience validation failed|audience doesn.t match"
    r"|jwt audience invalid|the audience '[^'\n]{0,300}' is invalid|aud claim is not valid",
    "bearer_issuer": r"idx10205|idx10204|idx40001|issuer validation failed|jwt issuer invalid"
    r"|the issuer '[^'\n]{0,300}' is invalid|iss claim is not valid"
    r"|^\W{0,3}(?:accesstokenacceptedversion|requestedaccesstokenversion)\b",
    "bearer_key_unknown": r"idx1050[0-9]|idx10511|idx10517|signature key was not found"
    r"|unable to find a signing key that matches",
    "bearer_expired": r"idx10223|jwt expired\b|signature has expired|jwt expired at",
    "bearer_early": r"idx10222|jwt not active|the token is not yet valid \(nbf\)",
    "caller_role_none": r"idw10201|neither scope or roles claim was found",
    "scope_invalid": r"scope value that is reserved|value as user-provided scopes"
    r"|scopes? should not be empty",
}

# How graphdaemon calls a proxy: its address, and what names it.
_OUR_PROXY = r"the proxy \S{1,90} \([^)\n]{1,40}\)"
# How the libraries of several languages report a failure of the network. Small letters; the first
# that matches counts: what failed exactly stands before words that libraries wrap around anything.
NETWORK = {
    # What graphdaemon says of a proxy, beside which it repeats others' words.
    "proxy_untrusted": rf"the certificate of {_OUR_PROXY}",
    "proxy_foreign": r"does not answer as (?:an http|a socks 5) proxy does"
    r"|does not speak tls, although its address",
    "proxy_sign_in": rf"{_OUR_PROXY} asks for a sign-in by"
    r"|proxy-authenticate: (?:negotiate|ntlm)",
    "proxy_password": rf"{_OUR_PROXY} (?:asks for a user name|does not (?:accept|sign us in)|takes)"
    r"|(?:tunnel connection failed|tunnel failed, response|http(?:/\d\.\d)?"
    r"|status(?:[ _-]?code)?|code)\W{1,4}407(?!\d)|\b407\W{1,2}proxy auth"
    r"|proxy authentication required|err_proxy_auth",
    "proxy_blocked": rf"{_OUR_PROXY} refused the connection: 403"
    r"|tunnel connection failed: 403|tunnel failed, response 403|http code 403 from proxy",
    "proxy_gateway": rf"{_OUR_PROXY} could not reach the host|tunnel connection failed: 50[234]"
    r"|tunnel failed, response 50[234]"
    r"|http code 50[234] from proxy",
    "proxy_refused": rf"{_OUR_PROXY} refused the connection|tunnel connection failed"
    r"|connect tunnel failed"
    r"|http code \d+ from proxy|err_tunnel_connection",
    "proxy_silent": rf"{_OUR_PROXY} did not answer within",
    "proxy_lost": rf"{_OUR_PROXY} closed the connection",
    "proxy_unknown": rf"the name of {_OUR_PROXY}",
    "proxy_down": rf"(?:nothing answers at|no connection to) {_OUR_PROXY}",
    "tls_misnamed": r"hostname mismatch|hostname .{0,39}doesn.t match|err_tls_cert_altname"
    r"|certificate is not valid for|certificate is valid for|does not match target host",
    "tls_expired": r"certificate has expired|certificate is not yet valid|cert_has_expired"
    r"|certificate has expired or is not yet valid",
    "tls_untrusted": r"certificate_verify_failed|unable to get local issuer|self.signed certificate"
    r"|pkix path|unable_to_verify_leaf|certificate signed by unknown authority"
    r"|self_signed_cert_in_chain|could not establish trust relationship|partialchain",
    "tls_unspoken": r"wrong_version_number|wrong version number|http response to https client"
    r"|first record does not look like a tls|unknown_protocol",
    "host_unknown": r"getaddrinfo|name or service not known|nameresolutionerror|enotfound"
    r"|nodename nor servname|no such host|temporary failure in name resolution|could not resolve"
    r"|failed to resolve|eai_again|unknownhostexception|name does not resolve|nxdomain"
    r"|could not be resolved",
    "tls_broken": r"broke as soon as tls began"
    r"|unexpected_eof_while_reading|eof occurred in violation|ssl_error_syscall"
    r"|handshake_failure|handshake failure|connection was closed during the ssl",
    "timed_out": r"timed out|etimedout|connecttimeout|readtimeout|i/o timeout|timeouterror"
    r"|deadline exceeded|operation timed? ?out|esockettimedout",
    "connection_refused": r"connection refused|econnrefused|actively refused",
    "connection_lost": r"closed the connection|connection reset|econnreset|remotedisconnected"
    r"|connection aborted"
    r"|broken pipe|socket hang up|incompleteread|forcibly closed|premature eof",
    "connection_failed": r"network is unreachable|no route to host|enetunreach|ehostunreach"
    r"|failed to establish a new connection|err_proxy_connection|proxyerror|connect to proxy"
    r"|proxyconnect tcp|proxy connect(?:ion)? (?:failed|aborted)",
}

# The same failures where they are the proxy's: the hop is named, not the host behind it.
ON_PROXY = {
    "host_unknown": "proxy_unknown",
    "connection_refused": "proxy_down",
    "connection_failed": "proxy_down",
    "timed_out": "proxy_silent",
    "connection_lost": "proxy_lost",
    "tls_broken": "proxy_lost",
    "tls_untrusted": "proxy_untrusted",
    "tls_misnamed": "proxy_untrusted",
    "tls_expired": "proxy_untrusted",
    "tls_unspoken": "proxy_foreign",
}

# Who puts its own page in Graph's place: words of the page or its headers, and the name to say.
_ANSWERERS = {
    r"zscaler": "Zscaler",
    r"netskope": "Netskope",
    r"squid": "the proxy (Squid)",
    r"fortinet|fortigate|fortiguard": "the firewall (Fortinet)",
    r"palo ?alto|pan-os|globalprotect": "the firewall (Palo Alto Networks)",
    r"bluecoat|proxysg|symantec web": "the proxy (Blue Coat)",
    r"mcafee|skyhigh|trellix": "the proxy (McAfee Web Gateway)",
    r"forcepoint|websense": "the proxy (Forcepoint)",
    r"check ?point|usercheck": "the firewall (Check Point)",
    r"sophos": "the firewall (Sophos)",
    r"barracuda": "the firewall (Barracuda)",
    r"sonicwall": "the firewall (SonicWall)",
    r"cisco|ironport|umbrella": "the proxy (Cisco)",
    r"mikrotik": "the router (MikroTik)",
    r"cloudflare": "Cloudflare",
    r"akamai|edgesuite": "Akamai",
    r"application-gateway|azure web application firewall": "an Azure application gateway",
}
_SERVER = re.compile(
    r"(?:^|[\n\"'{,(<] ?)server[\"']?[:=]\s?[\"']?([\w][\w./ -]{0,39})", re.IGNORECASE
)


def name_answerer(text: str) -> str | None:
    """Name who made a page that is not Graph's, by its words and its Server header."""
    lowered = text[:200_000].lower()
    for pattern, name in _ANSWERERS.items():
        if re.search(pattern, lowered):
            return name
    match = _SERVER.search(text[:200_000])
    return f"whatever answers as {match[1].strip()}" if match else None
