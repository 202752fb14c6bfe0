"""What a refusal of Graph means, by its status and words and by the token that was sent."""

import re
from collections.abc import Mapping
from typing import Any, Protocol

from graphdaemon.cloud import is_for_graph
from graphdaemon.diagnosis.known_texts import name_answerer
from graphdaemon.diagnosis.permissions import Need
from graphdaemon.diagnosis.token_claims import is_delegated, read_roles

# Graph's codes for what no permission helps against (quoted in msgraph-sdk-powershell#1898 and
# microsoft-graph-docs#14118, and in Exchange's and SharePoint's answers).
_LICENCE = re.compile(
    r"licen[cs]e|premium|NonPremiumTenant|MailboxNotEnabledForRESTAPI|does not have a SPO",
    re.IGNORECASE,
)
# App management policies: CredentialTypeNotAllowedAsPerAppPolicy, CredentialInvalidLifetimeAsPer…
# (quoted in microsoft-365-agents-toolkit#10998 and PubSec-Info-Assistant#681).
_POLICY = re.compile(r"\w{1,39}AsPerAppPolicy|as per assigned policy", re.IGNORECASE)
# Of App ID URIs: HostNameNotOnVerifiedDomain (quoted in Azure/Industrial-IoT#1432), and what
# "Restrictions on identifier URIs of Microsoft Entra applications" quotes.
_URI = re.compile(
    r"HostNameNotOnVerifiedDomain|Failed to add identifier URI|newly added URI|"
    r"identifierUris property must use a verified domain|"
    r"Invalid(UniqueTenantIdentifier|NonDefaultUri)AsPerAppPolicy",
    re.IGNORECASE,
)
_URI_TAKEN = re.compile(r"same value for property identifierUris", re.IGNORECASE)
# Quoted in microsoft/Agent365-devTools#207, 2026.
_CALLER_KIND = re.compile(r"for the specified calling identity type", re.IGNORECASE)
# Quoted in microsoft-graph-explorer-v4#2731: roles for the call are there, and a property that it
# selects, such as signInActivity, needs another.
_NAMED_ROLE = re.compile(r"required MSGraph permissions? (\w[\w.]{0,99})")
_USER = re.compile(r"/me request is only valid with delegated", re.IGNORECASE)
_TIME = re.compile(
    r"lifetime validation failed|token (is|has) expired|not yet valid", re.IGNORECASE
)
_AUDIENCE = re.compile(r"invalid audience|audience is invalid", re.IGNORECASE)

# What else than roles decides on a call, by patterns of its path; the first that matches counts.
_BEYOND = {
    r"/(messages|mailfolders|mailboxsettings|sendmail|calendar|events|contacts)": "a mailbox with "
    "a licence, or an application access policy (RBAC for Applications) of Exchange Online that "
    "leaves this mailbox out",
    r"/(sites|drives?|lists)\b": "a SharePoint licence, or a site that was not granted to the app "
    "(Sites.Selected)",
    r"/(auditlogs|reports|identityprotection|identitygovernance|riskyusers)": "a licence for "
    "Microsoft Entra ID P1 or P2",
    r"/(devicemanagement|deviceappmanagement)": "a licence for Microsoft Intune",
    r"/(teams|chats|communications)": "a Teams licence, a protected API that Microsoft has to "
    "admit the app to, or an application access policy of Teams",
}


_MICROSOFT_HEADERS = ("request-id", "x-ms-request-id", "x-ms-ags-diagnostic", "x-azure-ref")
_LONGEST_LOOKED_AT = 16_384
_SOMEBODY = "the firewall or proxy"

_STATUS_CASES = {
    404: "not_found",
    407: "proxy_password",
    429: "throttled",
    501: "not_implemented",
}
# By hundreds.
_RANGE_CASES = {
    1: "page_malformed",
    2: "page_malformed",
    3: "redirected",
    4: "request_refused",
    5: "graph_unavailable",
}


def find_graph_case(
    status: int | None,
    words: str,
    *,
    claims: Mapping[str, Any] | None = None,
    need: Need | None = None,
) -> str:
    """
    Find the case of a refusal; a key of `CASES`.

    Args:
        status: The HTTP status; None if it is not known.
        words: Graph's code and message.
        claims: The claims of the token that was sent, if it could be read.
        need: The roles that the call accepts, if they are known.
    """
    if status is None:
        return "error_unnamed"
    if status == 401:
        return _find_unauthorized(words)
    if 400 <= status < 500 and _URI.search(words):
        return "uri_refused"
    if status in (400, 409) and _URI_TAKEN.search(words):
        return "uri_taken"
    policy = _POLICY.search(words)
    if policy is not None and 400 <= status < 500:
        return _find_policy(policy[0])
    if status == 403:
        return _find_forbidden(words, claims, need)
    if status == 400 and "ExpiredPageToken" in words:
        return "page_link_expired"
    if status == 400 and _USER.search(words):
        return "user_required"
    if status in (400, 404) and _LICENCE.search(words):
        return "licence_missing"
    return _STATUS_CASES.get(status) or _RANGE_CASES[min(status // 100, 5)]


class NamedValues(Protocol):
    """Headers, looked up by name; whether in any case is their own affair."""

    def get(self, name: str, /) -> str | None:
        """Return the value of a header, or None if there is none."""


def find_answerer(
    status: int,
    headers: NamedValues,
    body: bytes,
    claims: Mapping[str, Any] | None = None,
) -> str | None:
    """
    Name who refused in Graph's place; None if it may have been Graph.

    Graph gives each answer a request ID and says what it refuses in JSON. A page for people without
    that ID is a firewall's or proxy's.

    Args:
        status: The HTTP status; a failure of Graph's (5xx) may be told by its own front door.
        headers: The headers of the answer.
        body: Its body.
        claims: The claims of the token that was sent; another API's answers are its own.
    """
    if not 400 <= status < 500 or any(headers.get(name) for name in _MICROSOFT_HEADERS):
        return None
    if claims is not None and "aud" in claims and not is_for_graph(claims["aud"]):
        return None
    text = body[:_LONGEST_LOOKED_AT].decode("utf-8", "replace")
    if not text.lstrip().startswith("<"):
        return None
    server = headers.get("Server") or headers.get("Via")
    return name_answerer(f"{text}\nServer: {server}" if server else text) or _SOMEBODY


def read_named_role(words: str) -> str | None:
    """Return the permission that Graph itself says is missing; None if it names none."""
    named = _NAMED_ROLE.search(words)
    return named[1].rstrip(".") if named is not None else None


def name_beyond(path: str) -> str | None:
    """Name what else than roles decides on a call, as far as its path tells."""
    return next(
        (words for pattern, words in _BEYOND.items() if re.search(pattern, path.lower())), None
    )


def _find_policy(word: str) -> str:
    if "Lifetime" in word:
        return "credential_life_barred"
    return "credential_kind_barred" if "NotAllowed" in word else "app_policy_refused"


def _find_unauthorized(words: str) -> str:
    if "IdentityNotFound" in words or "identity of the calling application" in words:
        return "principal_unknown"
    if _TIME.search(words):
        return "token_expired"
    return "audience_wrong" if _AUDIENCE.search(words) else "token_refused"


def _find_forbidden(words: str, claims: Mapping[str, Any] | None, need: Need | None) -> str:
    # Before the roles are looked at: where Graph names the licence, no role helps.
    if _LICENCE.search(words):
        return "licence_missing"
    if _CALLER_KIND.search(words):
        return "caller_kind_refused"
    # Nothing is known of the roles then, and a missing one is the most frequent cause.
    if claims is None or is_delegated(claims):
        return "permission_missing"
    if "aud" in claims and not is_for_graph(claims["aud"]):
        return "api_refused"
    roles = read_roles(claims)
    if not roles:
        return "roles_absent"
    if need is not None and need.is_met(roles) and read_named_role(words) is None:
        return "roles_suffice"
    return "permission_missing"
