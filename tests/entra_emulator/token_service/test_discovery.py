from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes

from tests.support.certificates_and_assertions import encode, make_identity, sign
from tests.support.emulator_probe import App, Probe, register

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


def test_v1_token(app: App) -> None:
    """The version 1.0 endpoint takes a resource, and gives its numbers as strings."""
    path = f"/{app.tenant.id}/oauth2/token"

    content = app.probe.post(path, app.form(scope=None, resource=GRAPH)).json()

    assert list(content) == [
        "token_type",
        "expires_in",
        "ext_expires_in",
        "expires_on",
        "not_before",
        "resource",
        "access_token",
    ]
    assert all(isinstance(value, str) for value in content.values())
    claims = jwt.decode(content["access_token"], options={"verify_signature": False})
    assert content["expires_on"] == str(claims["exp"])
    assert content["not_before"] == str(claims["nbf"])
    assert content["expires_in"] == str(claims["exp"] - claims["iat"])
    assert (content["resource"], claims["aud"]) == (GRAPH, GRAPH)
    assert app.get("/v1.0/users?$top=1", content["access_token"]).status == 200


def test_v1_long_token(app: App) -> None:
    """A long token says when to refresh it, in a string here."""
    form = app.form(
        scope=None, resource=GRAPH, claims='{"access_token":{"xms_cc":{"values":["CP1"]}}}'
    )

    content = app.probe.post(f"/{app.tenant.id}/oauth2/token", form).json()

    assert content["refresh_in"] == str(int(content["expires_in"]) // 2)


def test_v1_assertion(probe: Probe) -> None:
    """A client assertion for either endpoint's address is good at both."""
    app, identity = register(probe), make_identity()
    probe.emulator.directory.credentials.add_certificate(app.tenant, app.client_id, identity.der)
    paths = [f"/{app.tenant.id}/oauth2/{version}token" for version in ("", "v2.0/")]
    header = {
        "alg": "PS256",
        "x5t#S256": encode(identity.certificate.fingerprint(hashes.SHA256())),
    }
    found = []
    for audience in paths:
        claims = {"iss": app.client_id, "sub": app.client_id, "exp": probe.emulator.clock.now()}
        assertion = sign(identity, header, claims | {"aud": probe.emulator.url + audience})
        proof = {
            "client_secret": None,
            "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        found += [
            probe.post(paths[0], app.form(scope=None, resource=GRAPH, **proof)).status,
            probe.post(paths[1], app.form(**proof)).status,
        ]

    assert found == [200] * 4


def test_regional(launch: Callable[..., Probe]) -> None:
    """The regional hosts of the token service are for Microsoft's own applications."""
    host = "westus2.login.microsoft.com"
    probe = launch(users=0, hostnames=(host, "login.microsoftonline.com"))
    app = register(probe)

    regional = probe.post(app.token_path, app.form(), Host=host)
    usual = probe.post(app.token_path, app.form(), Host="login.microsoftonline.com")

    assert (regional.status, regional.json()["error_codes"]) == (400, [100007])
    assert usual.status == 200
