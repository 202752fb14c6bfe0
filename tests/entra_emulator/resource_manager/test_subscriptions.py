"""What Azure CLI asks Azure Resource Manager for when it signs in."""

from typing import Any

import pytest

from entra_emulator.clock import Clock
from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import Answer, App, Probe, register

VERSION = "api-version=2022-12-01"
SCOPE = "https://management.core.windows.net//.default"


def get(app: App, path: str, scope: str = SCOPE) -> Answer:
    return app.get(path, app.token(scope=scope))


@pytest.mark.parametrize("name", ["management.core.windows.net", "management.azure.com"])
def test_whoever_has_a_token_for_it_sees_the_tenant_and_no_subscription(
    app: App, name: str
) -> None:
    """As Azure CLI asks with a slash too many, and Azure's libraries without."""
    for scope in (f"https://{name}//.default", f"https://{name}/.default"):
        subscriptions = get(app, f"/subscriptions?{VERSION}", scope)
        tenants = get(app, f"/tenants?{VERSION}", scope)

        assert subscriptions.json() == {"value": [], "count": {"type": "Total", "value": 0}}
        (tenant,) = tenants.json()["value"]
        assert (tenant["id"], tenant["tenantId"]) == (f"/tenants/{app.tenant.id}", app.tenant.id)
        assert tenant["defaultDomain"] == app.tenant.domains[0]
        assert tenant["displayName"] == app.tenant.display_name


REFUSED: dict[str, tuple[str, str | None, int, str]] = {
    "no version": ("/subscriptions", SCOPE, 400, "MissingApiVersionParameter"),
    "no subscription": (f"/subscriptions/a?{VERSION}", SCOPE, 404, "SubscriptionNotFound"),
    "Graph's token": (
        f"/subscriptions?{VERSION}",
        "https://graph.microsoft.com/.default",
        401,
        "InvalidAuthenticationTokenAudience",
    ),
    "no token": (f"/tenants?{VERSION}", None, 401, "AuthenticationFailed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_has_the_codes_of_azure_resource_manager(app: App, case: str) -> None:
    path, scope, status, code = REFUSED[case]
    answer = app.probe.get(path) if scope is None else get(app, path, scope)

    assert (answer.status, answer.code) == (status, code)
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_token_that_is_no_token_or_has_expired_is_refused() -> None:
    clock = Clock()
    with Emulator(users=0, clock=clock) as emulator:
        probe = Probe(emulator)
        app = register(probe)
        token = app.token(scope=SCOPE)
        clock.move(86_400.0)
        answers = [app.get(f"/tenants?{VERSION}", one) for one in (token, "nonsense")]
        probe.close()

    assert [answer.code for answer in answers] == 2 * ["InvalidAuthenticationToken"]


def test_the_endpoints_of_the_cloud_are_public_and_lead_to_the_emulator(probe: Probe) -> None:
    """Azure CLI asks with the newer version for one cloud; the older answers a list."""
    url = probe.emulator.url
    one: Any = probe.get("/metadata/endpoints?api-version=2022-09-01").json()
    several: Any = probe.get("/metadata/endpoints?api-version=2019-05-01").json()

    assert several == [one]
    assert one["authentication"]["loginEndpoint"] == one["resourceManager"] == url
    assert one["authentication"]["audiences"][0] == "https://management.core.windows.net/"
    assert one["microsoftGraphResourceId"] == f"{url}/"
    assert probe.get("/metadata/endpoints").code == "MissingApiVersionParameter"
