"""
Explain a text, offline: an error's number, an answer, lines of a log, or a token.

Nothing is sent anywhere, and no explanation repeats a token.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphdaemon.diagnosis.aadsts import MEANINGS, find_aadsts_case
from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.diagnosis.graph_refusals import find_graph_case
from graphdaemon.diagnosis.token_claims import Claim, describe_claims, read_claims
from graphdaemon.errors import CODES

_NUMBER = re.compile(r"AADSTS\s?:?\s?(\d{4,9})", re.IGNORECASE)
# At least four digits: three are an HTTP status.
_BARE_NUMBER = re.compile(r"\d{4,9}")
# Every JWT begins so: it is base64 of a brace and a quotation mark. What has no dots is none, and
# matches all the same: to look for the dots from each place that begins so takes quadratic time.
_TOKEN = re.compile(r"eyJ[\w-]+(?:\.[\w-]+(?:\.[\w-]*)?)?")
_CORRELATION = re.compile(r"correlation.?id\W{1,4}([0-9a-f-]{36})", re.IGNORECASE)
_REQUEST = re.compile(r"\brequest-id\W{1,4}([0-9a-f-]{36})", re.IGNORECASE)
_CODES = re.compile(r"error_codes\W{1,6}\[([\d,\s]+)\]")
_STATUS = re.compile(
    r"(?:HTTP(?:/\d(?:\.\d)?)?|\bstatus(?:[ _]?code)?)\W{1,3}([45]\d\d)\b"
    r"|\b([45]\d\d)\W{1,2}(?:Bad Request|Unauthorized|Forbidden|Not Found|Too Many|Internal Server"
    r"|Bad Gateway|Service Unavailable|Gateway Time)|^\W*([45]\d\d)\W*$",
    re.IGNORECASE,
)

# Graph's error codes, each with the status it comes with ("Microsoft Graph error responses", and
# answers quoted in public issues).
_GRAPH_WORDS = {
    "Authorization_RequestDenied": 403,
    "Authorization_IdentityNotFound": 401,
    "Authentication_MissingOrMalformed": 401,
    "Authentication_ExpiredToken": 401,
    "InvalidAuthenticationToken": 401,
    "CompactToken": 401,
    "Authentication_RequestFromNonPremiumTenantOrB2CTenant": 403,
    "MailboxNotEnabledForRESTAPI": 404,
    "ErrorAccessDenied": 403,
    "AccessDenied": 403,
    "Forbidden": 403,
    "Request_ResourceNotFound": 404,
    "ResourceNotFound": 404,
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
    "UnknownError": 500,
    "generalException": 500,
}

# Error codes of Graph that say more than their status: the meaning and the next step.
_GRAPH_MEANINGS = {
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

# How the libraries of several languages report a failure of the network, by case. The first that
# matches counts: what failed exactly stands before words that libraries wrap around any failure.
_NETWORK = {
    "tls_untrusted": r"CERTIFICATE_VERIFY_FAILED|unable to get local issuer|self.signed certificate"
    r"|PKIX path|UNABLE_TO_VERIFY_LEAF|certificate signed by unknown authority",
    "tls_misnamed": r"hostname mismatch|doesn't match|ERR_TLS_CERT_ALTNAME",
    "proxy_password": r"\b407\b|Proxy Authentication Required",
    "proxy_refused": r"Tunnel connection failed|ProxyError",
    "host_unknown": r"getaddrinfo|Name or service not known|NameResolutionError|ENOTFOUND"
    r"|nodename nor servname|No such host|Temporary failure in name resolution",
    "tls_broken": r"UNEXPECTED_EOF_WHILE_READING|EOF occurred in violation|SSL_ERROR_SYSCALL",
    "timed_out": r"timed? ?out|ETIMEDOUT|ConnectTimeout|ReadTimeout",
    "connection_refused": r"Connection refused|ECONNREFUSED|actively refused",
    "connection_lost": r"Connection reset|ECONNRESET|RemoteDisconnected|Connection aborted",
}

# The `error` values of RFC 6749, and Microsoft's additions; unlike the numbers they are stable.
_OAUTH = {
    "invalid_client": (
        "The app could not prove who it is: its secret, certificate or federated token was refused."
    ),
    "unauthorized_client": "The tenant does not know the app, or does not let it ask.",
    "invalid_scope": "What scope asks for does not have the form it must have.",
    "invalid_resource": "The API that scope names is not known in the tenant, or is disabled.",
    "invalid_tenant": "The token service does not know the tenant.",
    "invalid_grant": "What the request rests on (a code, a user's token) is not accepted.",
    "invalid_request": "The request was not understood: part of it is missing or malformed.",
    "unsupported_grant_type": "The token service does not know this kind of token request.",
    "temporarily_unavailable": "The token service is overloaded or out of order.",
    "interaction_required": "A user would have to do something, and there is none.",
    "insufficient_claims": "The token was revoked early; Graph wants a new one (claims challenge).",
}


class Explanation(NamedTuple):
    """
    What one thing in the text means.

    Attributes:
        subject: What was recognised, such as `AADSTS7000215`.
        known: Whether it is in our tables.
        case: The case, a key of `CASES`, if there is one.
        code: graphdaemon's own error code for it, if there is one.
        meaning: What it means, in a sentence or two.
        step: What to do next.
        claims: The claims of a token, each with its sentence.
    """

    subject: str
    known: bool = True
    case: str | None = None
    code: str | None = None
    meaning: str = ""
    step: str = ""
    claims: tuple[Claim, ...] = ()


class ExplainedText(NamedTuple):
    """The explanations of a text, and the IDs in it that Microsoft's support asks for."""

    explanations: tuple[Explanation, ...]
    correlation_id: str | None
    request_id: str | None


def explain(text: str, now: float) -> ExplainedText:
    """
    Explain whatever is recognised in `text`.

    Args:
        text: A number, an answer of the token service or Graph, lines of a log, or a token.
        now: The time in epoch seconds, for what a token's times mean.
    """
    tokens = [
        claims for token in _TOKEN.findall(text) if (claims := read_claims(token)) is not None
    ]
    # Base64 may by chance hold digits and words that look like an error.
    bare = _TOKEN.sub("", text)
    explanations = _explain_error(bare, tokens[0] if tokens else None)
    explanations += [_explain_token(claims, now) for claims in tokens]
    correlation, request = _CORRELATION.search(bare), _REQUEST.search(bare)
    return ExplainedText(
        tuple(explanations),
        correlation[1] if correlation else None,
        request[1] if request else None,
    )


def _explain_error(text: str, claims: Mapping[str, Any] | None) -> list[Explanation]:
    stripped = text.strip()
    if _BARE_NUMBER.fullmatch(stripped):
        return [_explain_number(int(stripped), "")]
    if stripped in CASES or stripped in CODES:
        return [_explain_own(stripped)]
    # The most telling comes first: an AADSTS number says more than the OAuth error beside it, and
    # anything says more than the status.
    numbers = dict.fromkeys(int(number) for number in _NUMBER.findall(text))
    numbers |= dict.fromkeys(_read_codes(text))
    if numbers:
        return [_explain_number(number, text) for number in numbers]
    return (
        _explain_graph(text, claims)
        or _explain_oauth(text)
        or _explain_network(text)
        or _explain_status(text, claims)
        or [_explain_own(word) for word in CASES if "_" in word and _has_word(text, word)][:1]
    )


def _explain_number(number: int, text: str) -> Explanation:
    subject = f"AADSTS{number}"
    # How our own errors say that the secret has the form of a Secret ID.
    guid_secret = "secret ID" in text and "looks like" in text
    case = find_aadsts_case((number,), text, guid_secret=guid_secret)
    if case == "identity_refused":
        return Explanation(
            subject,
            known=False,
            case=case,
            code=case,
            meaning="This number is not in our table; the text behind it, if there is one, is all "
            "that can be said offline.",
            step=f"Look it up at https://login.microsoftonline.com/error?code={number}, or give "
            "the correlation ID to Microsoft's support.",
        )
    explanation = _explain_case(subject, case)
    if number not in MEANINGS:
        return explanation
    more = f" {explanation.meaning}" if case == "user_flow" else ""
    return explanation._replace(meaning=f"{MEANINGS[number]}{more}")


def _explain_own(word: str) -> Explanation:
    if word in CASES:
        return _explain_case(word, word)
    step = "The error itself names what is concerned, and the next step."
    return Explanation(word, code=word, meaning=CODES[word], step=step)


def _explain_case(subject: str, case: str) -> Explanation:
    advice = advise(case)
    code = advice.code or None
    return Explanation(subject, case=case, code=code, meaning=advice.meaning, step=advice.step)


def _explain_graph(text: str, claims: Mapping[str, Any] | None) -> list[Explanation]:
    for word, (meaning, step) in _GRAPH_MEANINGS.items():
        if _has_word(text, word):
            return [Explanation(word, code="request_refused", meaning=meaning, step=step)]
    for word, status in _GRAPH_WORDS.items():
        if _has_word(text, word):
            return [_explain_case(word, find_graph_case(status, text, claims=claims))]
    return []


def _explain_oauth(text: str) -> list[Explanation]:
    for word, meaning in _OAUTH.items():
        if _has_word(text, word):
            step = (
                "The AADSTS number in error_description says more: give that, or the whole answer."
            )
            if word == "temporarily_unavailable":
                step = advise("identity_unavailable").step
            return [Explanation(word, meaning=meaning, step=step)]
    return []


def _explain_network(text: str) -> list[Explanation]:
    for case, pattern in _NETWORK.items():
        match = re.search(pattern, text, re.IGNORECASE)
        if match:
            return [_explain_case(match[0], case)]
    return []


def _explain_status(text: str, claims: Mapping[str, Any] | None) -> list[Explanation]:
    match = _STATUS.search(text)
    if match is None:
        return []
    status = int(match[1] or match[2] or match[3])
    return [_explain_case(f"HTTP {status}", find_graph_case(status, text, claims=claims))]


def _explain_token(claims: Mapping[str, Any], now: float) -> Explanation:
    return Explanation(
        "token",
        meaning="An access token, read without being verified: anybody could have written it.",
        step="Compare roles and aud with what the call needs; delete the token where you pasted it "
        "from, for it works until it expires.",
        claims=tuple(describe_claims(claims, now)),
    )


def _read_codes(text: str) -> list[int]:
    """The numbers in the `error_codes` of an answer, wherever in the text it stands."""
    match = _CODES.search(text)
    return [int(code) for code in re.findall(r"\d+", match[1])] if match else []


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
