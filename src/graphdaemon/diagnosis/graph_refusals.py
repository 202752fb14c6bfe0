"""What a refusal of Graph means, by its status and words and by the token that was sent."""

import re
from collections.abc import Mapping
from typing import Any

from graphdaemon.diagnosis.permissions import Need
from graphdaemon.diagnosis.token_claims import is_delegated, is_for_graph, read_roles

# Graph's codes for what no permission helps against (quoted in msgraph-sdk-powershell#1898 and
# microsoft-graph-docs#14118, and in Exchange's and SharePoint's answers).
_LICENCE = re.compile(
    r"licen[cs]e|premium|NonPremiumTenant|MailboxNotEnabledForRESTAPI|does not have a SPO",
    re.IGNORECASE,
)
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


def find_graph_case(
    status: int,
    words: str,
    *,
    claims: Mapping[str, Any] | None = None,
    need: Need | None = None,
) -> str:
    """
    Find the case of a refusal; a key of `CASES`.

    Args:
        status: The HTTP status.
        words: Graph's code and message.
        claims: The claims of the token that was sent, if it could be read.
        need: The roles that the call accepts, if they are known.
    """
    if status == 401:
        return _find_unauthorized(words)
    if status == 403:
        return _find_forbidden(words, claims, need)
    if status == 400 and _USER.search(words):
        return "user_required"
    if status in (400, 404) and _LICENCE.search(words):
        return "licence_missing"
    if status in (404, 429):
        return "not_found" if status == 404 else "throttled"
    if status >= 500:
        return "not_implemented" if status == 501 else "graph_unavailable"
    return "redirected" if status < 400 else "request_refused"


def name_beyond(path: str) -> str | None:
    """Name what else than roles decides on a call, as far as its path tells."""
    return next(
        (words for pattern, words in _BEYOND.items() if re.search(pattern, path.lower())), None
    )


def _find_unauthorized(words: str) -> str:
    if "IdentityNotFound" in words:
        return "principal_unknown"
    if _TIME.search(words):
        return "token_expired"
    return "audience_wrong" if _AUDIENCE.search(words) else "token_refused"


def _find_forbidden(words: str, claims: Mapping[str, Any] | None, need: Need | None) -> str:
    # Before the roles are looked at: where Graph names the licence, no role helps.
    if _LICENCE.search(words):
        return "licence_missing"
    # Nothing is known of the roles then, and a missing one is the most frequent cause.
    if claims is None or is_delegated(claims):
        return "permission_missing"
    if "aud" in claims and not is_for_graph(claims["aud"]):
        return "api_refused"
    roles = read_roles(claims)
    if not roles:
        return "roles_absent"
    if need is not None and need.is_met(roles):
        return "roles_suffice"
    return "permission_missing"
