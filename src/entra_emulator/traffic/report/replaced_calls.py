"""Calls that Microsoft has replaced or does not support, and what to use instead."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from entra_emulator.graph.access.permission_table import fold
from entra_emulator.traffic.report.finding import Finding
from entra_emulator.traffic.report.logged_call import OLD_GRAPH, LoggedCall


class Replaced(NamedTuple):
    """
    A kind of call that has a successor.

    Args:
        fits: whether a call is one.
        why: what Microsoft says of it.
        instead: what to use.
    """

    fits: Callable[[LoggedCall], bool]
    why: str
    instead: str


def _is_old_graph(call: LoggedCall) -> bool:
    return call.service == "other" and OLD_GRAPH in call.route


def _is_adal(call: LoggedCall) -> bool:
    # ADAL names itself so in every token request: ADAL.Python, PCL.Desktop for .NET's.
    return call.service == "token" and call.client.lower().startswith(("adal", "pcl."))


def _ends_with(*segments: str) -> Callable[[LoggedCall], bool]:
    def fits(call: LoggedCall) -> bool:
        return call.service == "graph" and fold(call.route).split("/")[-1] in segments

    return fits


def _begins_with(*paths: str) -> Callable[[LoggedCall], bool]:
    def fits(call: LoggedCall) -> bool:
        path = fold(call.route)
        return call.service == "graph" and any(
            path == start or path.startswith(f"{start}/") for start in paths
        )

    return fits


REPLACED = (
    # "Migrate from Azure AD Graph to Microsoft Graph": retired in 2025.
    Replaced(_is_old_graph, "Azure AD Graph is retired", "Use https://graph.microsoft.com."),
    # "Update your applications to use MSAL": no support since June 30, 2023.
    Replaced(_is_adal, "ADAL has no support any more", "Get tokens through MSAL."),
    # "user: invalidateAllRefreshTokens": "won't be promoted to general availability".
    Replaced(
        _ends_with("invalidateallrefreshtokens"),
        "invalidateAllRefreshTokens will not leave beta",
        "Use revokeSignInSessions.",
    ),
    # "List identityProviders (deprecated)".
    Replaced(
        _begins_with("/identityproviders"),
        "/identityProviders is deprecated",
        "Use /identity/identityProviders.",
    ),
    # "Migrate from legacy alerts to the alerts and incidents API": deprecated; the day has moved.
    Replaced(
        _begins_with("/security/alerts"),
        "the legacy alerts are deprecated",
        "Use /security/alerts_v2.",
    ),
    # "List credentialUserRegistrationDetails (deprecated)".
    Replaced(
        _begins_with("/reports/credentialuserregistrationdetails"),
        "credentialUserRegistrationDetails is deprecated",
        "Use /reports/authenticationMethods/userRegistrationDetails.",
    ),
)


def find_deprecated(calls: Sequence[LoggedCall]) -> list[Finding]:
    """A finding for each route that has been replaced."""
    counts: Counter[tuple[str, str, Replaced]] = Counter()
    for call in calls:
        for replaced in REPLACED:
            if replaced.fits(call):
                app_id = call.caller.app_id if call.caller else ""
                counts[f"{call.method} {call.route}", app_id, replaced] += 1
    return [
        Finding("deprecated-call", subject, replaced.why, replaced.instead, count, app_id)
        for (subject, app_id, replaced), count in counts.items()
    ]


def find_beta(calls: Sequence[LoggedCall]) -> list[Finding]:
    """A finding for each route of beta."""
    counts = Counter(
        (f"{call.method} {call.route}", call.caller.app_id if call.caller else "")
        for call in calls
        if call.version == "beta"
    )
    return [
        Finding(
            "beta-call",
            subject,
            "called in beta, which changes without notice",
            "Use v1.0 if it has the route and the properties.",
            count,
            app_id,
        )
        for (subject, app_id), count in counts.items()
    ]
