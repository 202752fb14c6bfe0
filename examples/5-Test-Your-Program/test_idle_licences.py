"""Each test has a pretend tenant of its own: no network, no account, nothing left behind."""

import httpx
import pytest
from idle_licences import NoTokenError, count_idle_licences, get_token

pytestmark = pytest.mark.entra(permissions=["User.Read.All", "LicenseAssignment.Read.All"])


def sign_in(entra, application=None):
    application = application or entra.application
    token = get_token(
        entra.tenant.id,
        application.client_id,
        application.secret,
        http_client=entra.requests_session(),
    )
    return httpx.Client(
        transport=entra.httpx_transport(), headers={"Authorization": f"Bearer {token}"}
    )


def test_licences_of_disabled_users_are_counted(entra):
    entra.add_user("ada", licenses=["SPE_E5"])
    entra.add_user("bob", licenses=["SPE_E5", "FLOW_FREE"], accountEnabled=False)
    entra.add_user("eve", accountEnabled=False)

    assert count_idle_licences(sign_in(entra)) == {"SPE_E5": 1, "FLOW_FREE": 1}


@pytest.mark.entra(users=250)
def test_every_page_is_read(entra):
    for number in range(150):
        entra.add_user(f"leaver{number}", licenses=["SPE_E5"], accountEnabled=False)

    assert count_idle_licences(sign_in(entra))["SPE_E5"] >= 150


def test_who_is_throttled_waits_as_long_as_graph_says(entra):
    client, waits = sign_in(entra), []
    entra.faults.fail("status", status=429, retry_after=7, count=2)

    count_idle_licences(client, sleep=waits.append)

    assert waits == [7, 7]


def test_a_connection_that_breaks_is_no_end(entra):
    client, waits = sign_in(entra), []
    entra.faults.fail("reset", when="during", route="GET /users")

    count_idle_licences(client, sleep=waits.append)

    assert waits == [1]


def test_an_expired_secret_says_so(entra):
    entra.clock.move(3 * 365 * 86_400)

    with pytest.raises(NoTokenError, match="AADSTS7000222"):
        sign_in(entra)


def test_the_permissions_are_just_enough(entra):
    """With one less it is refused; nothing was asked for that these two do not cover."""
    less = entra.add_application("Less", permissions=["User.Read.All"])

    with pytest.raises(httpx.HTTPStatusError, match="403"):
        count_idle_licences(sign_in(entra, less))
    refused = entra.audit.entries(verdict="refused")
    assert [entry.route for entry in refused] == ["/subscribedSkus"]

    count_idle_licences(sign_in(entra))
    assert len(entra.audit.entries(verdict="refused")) == 1
