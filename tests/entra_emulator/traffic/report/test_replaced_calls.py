from __future__ import annotations

import pytest

from entra_emulator.traffic.report.logged_call import LoggedCall
from entra_emulator.traffic.report.replaced_calls import find_beta, find_deprecated
from tests.support.logged_calls import graph_call, token_call


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (graph_call("https://graph.windows.net", service="other"), "https://graph.microsoft.com"),
        (token_call(client="PCL.CoreCLR"), "MSAL"),
        (token_call(client="ADAL.Python"), "MSAL"),
        (token_call(client="MSAL.Python"), ""),
        (token_call(), ""),
        (
            graph_call("/users/{id}/invalidateAllRefreshTokens", "POST", version="beta"),
            "revokeSignInSessions",
        ),
        (graph_call("/identityProviders/{id}"), "/identity/identityProviders"),
        (graph_call("/security/alerts"), "/security/alerts_v2"),
        (graph_call("/security/alerts_v2"), ""),
        (graph_call("/reports/credentialUserRegistrationDetails"), "userRegistrationDetails"),
        (graph_call("/users"), ""),
    ],
)
def test_deprecated(call: LoggedCall, instead: str) -> None:
    """What has a successor is found, with the successor, as often as it was called."""
    findings = find_deprecated([call, call])
    assert [finding.times for finding in findings] == [2] * bool(instead)
    assert all(instead in finding.hint for finding in findings)


def test_beta() -> None:
    calls = [graph_call(version="beta"), graph_call(version="beta"), graph_call()]
    (finding,) = find_beta(calls)
    assert (finding.rule, finding.subject, finding.times) == ("beta-call", "GET /users", 2)
