import base64
import hashlib
from typing import Any
from urllib.parse import quote

import jwt
import pytest

from tests.support.emulator_probe import Answer, App, Probe
from tests.support.token_service import COMMON_HEADERS

CONFIGURATION_KEYS = (
    "token_endpoint token_endpoint_auth_methods_supported jwks_uri response_modes_supported "
    "subject_types_supported id_token_signing_alg_values_supported response_types_supported "
    "scopes_supported issuer request_uri_parameter_supported userinfo_endpoint "
    "authorization_endpoint device_authorization_endpoint http_logout_supported "
    "frontchannel_logout_supported end_session_endpoint claims_supported kerberos_endpoint "
    "tenant_region_scope cloud_instance_name cloud_graph_host_name msgraph_host rbac_url"
).split()


V1_KEYS = (
    "token_endpoint token_endpoint_auth_methods_supported jwks_uri response_modes_supported "
    "subject_types_supported id_token_signing_alg_values_supported response_types_supported "
    "scopes_supported issuer microsoft_multi_refresh_token authorization_endpoint "
    "device_authorization_endpoint http_logout_supported frontchannel_logout_supported "
    "end_session_endpoint claims_supported check_session_iframe userinfo_endpoint "
    "kerberos_endpoint tenant_region_scope cloud_instance_name cloud_graph_host_name msgraph_host "
    "rbac_url"
).split()
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"
GRAPH = "https://graph.microsoft.com"


def read(probe: Probe, segment: str, version: str = "") -> Any:
    answer = probe.get(f"/{segment}/{version}.well-known/openid-configuration")
    assert answer.status == 200, answer.body
    return answer.json()


def test_v1_configuration(app: App) -> None:
    """The version 1.0 document has the real one's keys, and the issuer of version 1.0 tokens."""
    base, tenant = f"{app.probe.emulator.url}/{app.tenant.id}", app.tenant
    documents = [read(app.probe, name) for name in (tenant.id, *tenant.domains)]

    assert documents == [documents[0]] * 3
    assert list(documents[0]) == V1_KEYS
    expected = {
        "issuer": f"https://sts.windows.net/{tenant.id}/",
        "token_endpoint": f"{base}/oauth2/token",
        "jwks_uri": f"{base}/discovery/keys",
        "tenant_region_scope": "EU",
    }
    assert documents[0] | expected == documents[0]


def test_v1_keys(app: App, token: str) -> None:
    """A version 1.0 token is good by the version 1.0 documents alone, as the guide wants it."""
    metadata = read(app.probe, app.tenant.id)
    keys = app.probe.get(metadata["jwks_uri"]).json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWK(next(key for key in keys if key["kid"] == kid))

    claims = jwt.decode(token, key, ["RS256"], audience=GRAPH, issuer=metadata["issuer"])

    assert claims["ver"] == "1.0"
    assert all("issuer" not in key for key in keys)


@pytest.mark.parametrize(
    ("segment", "named", "issuer"),
    [
        ("common", "common", "{tenantid}"),
        ("organizations", "organizations", "{tenantid}"),
        ("Organizations", "organizations", "{tenantid}"),
        ("consumers", "consumers", CONSUMERS),
        (CONSUMERS.upper(), CONSUMERS, CONSUMERS),
    ],
)
def test_shared_places(probe: Probe, segment: str, named: str, issuer: str) -> None:
    """The places of several tenants have documents of both versions, with a template for them."""
    url = probe.emulator.url
    old, new = read(probe, segment), read(probe, segment, "v2.0/")

    assert new["issuer"] == f"{url}/{issuer}/v2.0"
    assert old["issuer"] == f"https://sts.windows.net/{issuer}/"
    assert new["token_endpoint"] == f"{url}/{named}/oauth2/v2.0/token"
    assert old["token_endpoint"] == f"{url}/{named}/oauth2/token"
    assert (new["tenant_region_scope"], old["tenant_region_scope"]) == (None, None)
    keys = probe.get(new["jwks_uri"]).json()["keys"]
    assert {key["issuer"] for key in keys} == {new["issuer"]}


@pytest.mark.parametrize("path", [".well-known/openid-configuration", "discovery/keys"])
def test_v1_unknown_tenant(probe: Probe, path: str) -> None:
    """There is no document of a tenant that is not here."""
    answer = probe.get(f"/no.such.tenant/{path}")

    assert (answer.status, answer.json()["error"]) == (400, "invalid_tenant")
    assert answer.headers["cache-control"] == "max-age=86400, private"


def test_configuration(app: App) -> None:
    """The discovery document has the recorded keys in the recorded order, and the GUID."""
    url, tenant = app.probe.emulator.url, app.tenant
    answers = [
        app.probe.get(f"/{name}/v2.0/.well-known/openid-configuration")
        for name in (tenant.id, tenant.id.upper(), *tenant.domains)
    ]

    documents = [answer.json() for answer in answers]
    assert list(documents[0]) == CONFIGURATION_KEYS
    assert documents == [documents[0]] * 4
    assert documents[0]["issuer"] == f"{url}/{tenant.id}/v2.0"
    assert documents[0]["token_endpoint"] == f"{url}{app.token_path}"
    assert len(documents[0]["claims_supported"]) == 19
    expected = COMMON_HEADERS | {
        "cache-control": "max-age=86400, private",
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET, OPTIONS",
    }
    assert answers[0].headers | expected == answers[0].headers


def test_shared_configuration(probe: Probe) -> None:
    """The documents of common and organizations have a template for an issuer."""
    for name in ("common", "organizations"):
        document = probe.get(f"/{name}/v2.0/.well-known/openid-configuration").json()

        assert document["issuer"] == f"{probe.emulator.url}/{{tenantid}}/v2.0"
        assert document["token_endpoint"] == f"{probe.emulator.url}/{name}/oauth2/v2.0/token"


def test_keys(app: App) -> None:
    """Two keys are published, each named by the SHA-1 of its certificate."""
    keys = app.probe.get(f"/{app.tenant.id}/discovery/v2.0/keys").json()["keys"]

    assert len(keys) == 2
    for key in keys:
        names = ["kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"]
        assert list(key) == names
        assert key["kid"] == key["x5t"]
        der = base64.b64decode(key["x5c"][0])
        assert key["kid"] == encode_sha1(der)
        assert key["issuer"] == f"{app.probe.emulator.url}/{app.tenant.id}/v2.0"


def encode_sha1(der: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha1(der).digest()).rstrip(b"=").decode()


def test_instance(probe: Probe) -> None:
    """Instance discovery knows the public clouds and this emulator, and nobody else."""
    url = probe.emulator.url

    def ask(authority: str) -> Answer:
        endpoint = quote(f"{authority}/some-tenant/oauth2/v2.0/authorize", safe="")
        path = "/common/discovery/instance?api-version=1.1&authorization_endpoint="
        return probe.get(path + endpoint)

    public = ask("https://login.microsoftonline.com").json()
    own = ask(url).json()
    foreign = ask("https://login.example")
    broken = ask("https://[")

    assert list(public) == ["tenant_discovery_endpoint", "api-version", "metadata"]
    assert len(public["metadata"]) == 5
    assert public["metadata"][0] == {
        "preferred_network": "login.microsoftonline.com",
        "preferred_cache": "login.windows.net",
        "aliases": [
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ],
    }
    own_host = url.removeprefix("https://")
    assert own["metadata"][0]["aliases"] == [own_host]
    expected = f"{url}/some-tenant/v2.0/.well-known/openid-configuration"
    assert own["tenant_discovery_endpoint"] == expected
    refusals = [(answer.status, answer.json()["error"]) for answer in (foreign, broken)]
    assert refusals == [(400, "invalid_instance")] * 2
