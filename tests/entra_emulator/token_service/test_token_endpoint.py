import re
from collections.abc import Callable
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives import hashes

from entra_emulator.clock import Clock
from entra_emulator.faults.fault import OUTAGES
from entra_emulator.token_service.token_endpoint import GRANTS
from tests.support.certificates_and_assertions import encode, make_identity, sign
from tests.support.emulator_probe import Answer, App, Probe, register
from tests.support.token_service import COMMON_HEADERS, ERROR_KEYS
from tools.fidelity import list_reached

GRAPH = "https://graph.microsoft.com"


def test_token_answer(app: App) -> None:
    """A token's answer has the recorded keys, headers and numbers."""
    request_id = "8afe3606-ea18-4ef4-bbd0-1c13a67be41b"
    answer = app.probe.post(app.token_path, app.form(), client_request_id=request_id)
    content = answer.json()

    assert list(content) == ["token_type", "expires_in", "ext_expires_in", "access_token"]
    assert content["token_type"] == "Bearer"
    assert 3599 <= content["expires_in"] == content["ext_expires_in"] <= 5399
    expected = COMMON_HEADERS | {
        "cache-control": "no-store, no-cache",
        "pragma": "no-cache",
        "expires": "-1",
        "x-ms-srs": "1.P",
        "client-request-id": request_id,
        "content-length": str(len(answer.body)),
    }
    assert answer.headers | expected == answer.headers
    assert re.fullmatch(r"2\.1\.\d+\.\d+ - EMUL ProdSlices", answer.headers["x-ms-ests-server"])
    assert "server" not in answer.headers
    assert "x-ms-clitelem" not in answer.headers


def test_telemetry_header(app: App) -> None:
    """`x-ms-clitelem` answers MSAL's telemetry, in headers or, from MSAL Node, in the form."""
    form = app.form(client_secret="wrong")
    answers = [
        app.probe.post(app.token_path, app.form(), x_client_sku="MSAL.Python"),
        app.probe.post(app.token_path, form | {"x-client-SKU": "msal.js.node"}),
    ]

    assert [a.headers["x-ms-clitelem"] for a in answers] == ["1,0,0,,", "1,7000215,0,,"]


def refusal(**changes: str | None) -> Callable[[App], Answer]:
    return lambda app: app.probe.post(app.token_path, app.form(**changes))


def at(segment: str, **changes: str | None) -> Callable[[App], Answer]:
    path = f"/{segment}/oauth2/v2.0/token"
    return lambda app: app.probe.post(path, app.form(**changes))


def get_token_endpoint(app: App) -> Answer:
    return app.probe.get(app.token_path)


def discover_unknown(app: App) -> Answer:
    return app.probe.get("/no.such.tenant/v2.0/.well-known/openid-configuration")


def post_discovery(app: App) -> Answer:
    return app.probe.post(f"/{app.tenant.id}/discovery/v2.0/keys", {})


def expired_secret(app: App) -> Answer:
    directory = app.probe.emulator.directory
    now = directory.clock.now()
    password = directory.credentials.add_password(
        app.tenant, app.client_id, start=now - 99, end=now - 1
    )
    return refusal(client_secret=password.secret_text)(app)


def early_secret(app: App) -> Answer:
    directory = app.probe.emulator.directory
    start = directory.clock.now() + 99
    password = directory.credentials.add_password(app.tenant, app.client_id, start=start)
    return refusal(client_secret=password.secret_text)(app)


def secret_id(app: App) -> Answer:
    password = app.probe.emulator.directory.credentials.add_password(app.tenant, app.client_id)
    return refusal(client_secret=password.key_id)(app)


def secret_of_another(app: App) -> Answer:
    return refusal(client_secret=register(app.probe).secret)(app)


def disabled(app: App) -> Answer:
    other = register(app.probe, name="Retired")
    directory = app.probe.emulator.directory
    directory.service_principals.enable(other.tenant, other.client_id, enabled=False)
    return refusal()(other)


def switched_off(app: App) -> Answer:
    other = register(app.probe, name="Switched off")
    app.probe.emulator.directory.applications.disable(other.tenant, other.client_id)
    return refusal()(other)


def blocked(app: App) -> Answer:
    other = register(app.probe, name="Blocked")
    app.probe.emulator.directory.token_policies.block(other.tenant, other.client_id)
    return refusal()(other)


def removed_secret(app: App) -> Answer:
    directory = app.probe.emulator.directory
    password = directory.credentials.add_password(app.tenant, app.client_id)
    directory.credentials.remove_password(app.tenant, app.client_id, password.key_id)
    return refusal(client_secret=password.secret_text)(app)


def public_client(app: App) -> Answer:
    directory = app.probe.emulator.directory
    made = directory.applications.register(app.tenant, "Phone")
    directory.applications.make_public(app.tenant, made.app_id)
    return refusal(client_id=made.app_id)(app)


def v1_without_resource(app: App) -> Answer:
    return app.probe.post(f"/{app.tenant.id}/oauth2/token", app.form())


def disabled_resource(app: App) -> Answer:
    directory, api = app.probe.emulator.directory, register(app.probe)
    directory.applications.expose_api(app.tenant, api.client_id)
    directory.service_principals.enable(app.tenant, api.client_id, enabled=False)
    return refusal(scope=f"api://{api.client_id}/.default")(app)


def unassigned(app: App) -> Answer:
    directory, api = app.probe.emulator.directory, register(app.probe)
    directory.applications.expose_api(app.tenant, api.client_id, assignment_required=True)
    return refusal(scope=f"api://{api.client_id}/.default")(app)


def bad_basic(app: App) -> Answer:
    form = app.form(client_id=None, client_secret=None)
    return app.probe.post(app.token_path, form, Authorization="Basic *")


def large_form(app: App) -> Answer:
    return refusal(client_secret="x" * 300_000)(app)


NO_CLIENT = "11111111-1111-4111-8111-111111111111"
GRAPH = "https://graph.microsoft.com"

REFUSALS: dict[str, tuple[Callable[[App], Answer], int, str, int, str]] = {
    "wrong verb": (
        get_token_endpoint,
        400,
        "invalid_request",
        900561,
        "The endpoint only accepts POST requests. Received a GET request.",
    ),
    "wrong verb elsewhere": (
        post_discovery,
        400,
        "invalid_request",
        900561,
        "The endpoint only accepts GET requests. Received a POST request.",
    ),
    "unknown tenant": (
        at("no.such.tenant"),
        400,
        "invalid_request",
        90002,
        "Tenant 'no.such.tenant' not found. Check to make sure",
    ),
    "unknown tenant in discovery": (
        discover_unknown,
        400,
        "invalid_tenant",
        90002,
        "Tenant 'no.such.tenant' not found. Check to make sure",
    ),
    "agent identity": (
        refusal(fmi_path=NO_CLIENT, scope="api://AzureADTokenExchange/.default"),
        400,
        "invalid_request",
        901002,
        "The 'fmi_path' request parameter is not supported.",
    ),
    "impossible tenant": (
        at("wrong"),
        400,
        "invalid_request",
        900023,
        (
            "Specified tenant identifier 'wrong' is neither a valid DNS name, nor a valid external "
            "domain."
        ),
    ),
    "common": (
        at("common"),
        400,
        "invalid_request",
        50059,
        (
            "No tenant-identifying information found in either the request or implied by any "
            "provided credentials."
        ),
    ),
    "organizations": (at("organizations"), 400, "invalid_request", 50059, "No tenant-identifying"),
    "consumers": (
        at("consumers"),
        400,
        "invalid_request",
        9001023,
        "The grant type is not supported over the /common or /consumers endpoints.",
    ),
    "resource at the v2.0 endpoint": (
        refusal(resource=GRAPH),
        400,
        "invalid_request",
        901002,
        "The 'resource' request parameter is not supported.",
    ),
    "no resource at the v1 endpoint": (
        v1_without_resource,
        400,
        "invalid_resource",
        500013,
        "Resource identifier is not provided.",
    ),
    "malformed claims": (
        refusal(claims="{"),
        400,
        "invalid_request",
        90100,
        "claims parameter is empty or not valid.",
    ),
    "no grant": (
        refusal(grant_type=None),
        400,
        "invalid_request",
        900144,
        "The request body must contain the following parameter: 'grant_type'.",
    ),
    "no client": (
        refusal(client_id=None),
        400,
        "invalid_request",
        900144,
        "The request body must contain the following parameter: 'client_id'.",
    ),
    "assertion without its type": (
        refusal(client_assertion="a.b.c"),
        400,
        "invalid_request",
        900144,
        "The request body must contain the following parameter: 'client_assertion_type'.",
    ),
    "unknown grant": (
        refusal(grant_type="magic"),
        400,
        "unsupported_grant_type",
        70003,
        "The app requested an unsupported grant type 'magic'.",
    ),
    "unknown client": (
        refusal(client_id=NO_CLIENT),
        400,
        "unauthorized_client",
        700016,
        f"Application with identifier '{NO_CLIENT}' was not found in the directory 'Contoso'.",
    ),
    "no credential": (
        refusal(client_secret=None),
        401,
        "invalid_client",
        7000216,
        (
            "'client_assertion', 'client_secret' or 'request' is required for the "
            "'client_credentials' grant type."
        ),
    ),
    "wrong secret": (
        refusal(client_secret="wrong"),
        401,
        "invalid_client",
        7000215,
        (
            "Invalid client secret provided. Ensure the secret being sent in the request is the "
            "client secret value, not the client secret ID, for a secret added to app '{app}'."
        ),
    ),
    "the secret's ID": (secret_id, 401, "invalid_client", 7000215, "Invalid client secret"),
    "another's secret": (
        secret_of_another,
        401,
        "invalid_client",
        7000215,
        "Invalid client secret",
    ),
    "a removed secret": (removed_secret, 401, "invalid_client", 7000215, "Invalid client secret"),
    "a public client's secret": (
        public_client,
        401,
        "invalid_client",
        700025,
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    "early secret": (early_secret, 401, "invalid_client", 7000215, "Invalid client secret"),
    "expired secret": (
        expired_secret,
        401,
        "invalid_client",
        7000222,
        "The provided client secret keys for app '{app}' are expired. Visit the Azure portal",
    ),
    "disabled": (disabled, 400, "unauthorized_client", 7000112, "Application '"),
    "application disabled": (switched_off, 400, "unauthorized_client", 7000112, "Application '"),
    "blocked by a policy": (
        blocked,
        400,
        "invalid_grant",
        53003,
        "Access has been blocked by Conditional Access policies. The access policy does not allow",
    ),
    "disabled resource": (
        disabled_resource,
        400,
        "invalid_resource",
        500014,
        "The service principal for resource 'api://",
    ),
    "not assigned to the resource": (
        unassigned,
        400,
        "invalid_grant",
        501051,
        "Application '{app}'(Nightly sync) is not assigned to a role for the application '",
    ),
    "no scope": (
        refusal(scope=None),
        400,
        "invalid_request",
        90014,
        "The required field 'scope' is missing from the credential. Ensure that you have all",
    ),
    "a bare permission": (
        refusal(scope=f"{GRAPH}/User.Read.All"),
        400,
        "invalid_scope",
        1002012,
        (
            f"The provided value for scope {GRAPH}/User.Read.All is not valid. Client credential "
            "flows must have a scope value with /.default suffixed to the resource identifier"
        ),
    ),
    "only openid": (refusal(scope="openid"), 400, "invalid_scope", 1002012, "The provided value"),
    "no resource": (
        refusal(scope="/.default"),
        400,
        "invalid_scope",
        70011,
        "The provided value for the input parameter 'scope' is not valid. The scope /.default",
    ),
    "two resources": (
        refusal(scope=f"{GRAPH}/.default https://vault.azure.net/.default"),
        400,
        "invalid_scope",
        70011,
        "The provided value for the input parameter 'scope' is not valid.",
    ),
    "unknown resource": (
        refusal(scope="https://api.example/.default"),
        400,
        "invalid_resource",
        500011,
        (
            "The resource principal named https://api.example was not found in the tenant named "
            "Contoso. This can happen"
        ),
    ),
    "Graph with a longer path": (
        refusal(scope=f"{GRAPH}/v1.0/.default"),
        400,
        "invalid_resource",
        500011,
        f"The resource principal named {GRAPH}/v1.0 was not found",
    ),
    "resource of a broken URL": (
        refusal(scope="https://[/.default"),
        400,
        "invalid_resource",
        500011,
        "The resource principal named https://[ was not found",
    ),
    "garbage in Basic": (bad_basic, 400, "invalid_request", 9002313, "Invalid request."),
    "a form too large": (large_form, 400, "invalid_request", 9002313, "Invalid request."),
}

# Reached by test_assertion, test_consent and test_instance.
ELSEWHERE = {50011, 50012, 50027, 50048, 50049, 65004, 165000}
ELSEWHERE |= {700023, 700024, 700027, 5002730, 7000229}
# Reached by test_federation, test_faults and test_discovery.
ELSEWHERE |= {50166, 700211, 700212, 700213, 700229, 7000272, 7002137, 7002138}
ELSEWHERE |= {100007, *OUTAGES}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_refusal(app: App, case: tuple[Callable[[App], Answer], int, str, int, str]) -> None:
    """Every refusal has its status, its error, its number, its text, and the recorded shape."""
    make, status, error, code, text = case

    answer = make(app)

    content = answer.json()
    assert list(content) == ERROR_KEYS
    assert (answer.status, content["error"], content["error_codes"]) == (status, error, [code])
    assert content["error_description"].startswith(
        f"AADSTS{code}: {text.format(app=app.client_id)}"
    )
    assert content["error_uri"] == f"https://login.microsoftonline.com/error?code={code}"
    assert content["trace_id"] == answer.headers["x-ms-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", content["timestamp"])
    tail = (
        f" Trace ID: {content['trace_id']} Correlation ID: {content['correlation_id']} "
        f"Timestamp: {content['timestamp']}"
    )
    assert content["error_description"].endswith(tail)
    assert answer.headers | COMMON_HEADERS == answer.headers


def test_every_refusal_is_tested() -> None:
    """No AADSTS number is without a test that reaches it."""
    reached = {code for _, _, _, code, _ in REFUSALS.values()}
    assert reached | ELSEWHERE == list_reached("test_token_endpoint")


def test_correlation(app: App) -> None:
    """The correlation ID is the caller's request ID, from header, query or form."""
    form = app.form(scope=None)
    answers = [
        app.probe.post(app.token_path, form, client_request_id="one"),
        app.probe.post(f"{app.token_path}?client-request-id=two", form),
        app.probe.post(app.token_path, form | {"client-request-id": "three"}),
        app.probe.post(app.token_path, form, client_request_id="not\tprintable"),
    ]

    found = [(a.json()["correlation_id"], a.headers.get("client-request-id")) for a in answers]

    assert found[:3] == [("one", "one"), ("two", "two"), ("three", "three")]
    assert found[3][1] is None


def test_first_value_counts(app: App) -> None:
    """Of a parameter that comes twice the first counts; unknown ones are ignored."""
    body = "&".join(f"{k}={quote(v, safe='')}" for k, v in app.form().items())
    headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
    answer = app.probe.send(
        "POST", app.token_path, headers=headers, body=f"{body}&client_secret=x&foo=bar".encode()
    )

    assert answer.status == 200


def test_multi_tenant_application(launch: Callable[..., Probe]) -> None:
    """A foreign application is unknown until an administrator consents to it here."""
    probe = launch()
    home = probe.emulator.directory.tenants.create("Fabrikam", ("fabrikam.example",))
    directory = probe.emulator.directory
    audiences = ("AzureADMyOrg", "AzureADMultipleOrgs")
    apps = [directory.applications.register(home, n, sign_in_audience=n) for n in audiences]
    secrets = [directory.credentials.add_password(home, a.app_id).secret_text or "" for a in apps]
    clients = [
        App(probe, probe.emulator.tenant, a.app_id, s) for a, s in zip(apps, secrets, strict=True)
    ]

    before = [refusal()(client).json()["error_codes"] for client in clients]
    directory.consents.grant_admin_consent(probe.emulator.tenant, apps[1].app_id)
    with pytest.raises(LookupError, match="may use"):
        directory.consents.grant_admin_consent(probe.emulator.tenant, apps[0].app_id)

    assert before == [[700016], [7000229]]
    claims = jwt.decode(clients[1].token(), options={"verify_signature": False})
    assert claims["tid"] == probe.emulator.tenant.id


def test_clock(launch: Callable[..., Probe]) -> None:
    """Secrets expire and tokens begin by the emulator's clock, not the machine's."""
    clock = Clock(at=1_800_000_000)
    probe = launch(clock=clock, token_lifetime=600)
    app = register(probe)

    answer = probe.post(app.token_path, app.form())
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    clock.move(731 * 86400)
    later = probe.post(app.token_path, app.form())

    assert (answer.json()["expires_in"], claims["iat"]) == (600, 1_800_000_000)
    assert answer.headers["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    assert later.json()["error_codes"] == [7000222]
    assert later.json()["timestamp"] == "2029-01-15 08:00:00Z"


def test_grants() -> None:
    """The grants served are those of the GRANTS table."""
    device = "urn:ietf:params:oauth:grant-type:device_code"
    names = ["client_credentials", "authorization_code", "refresh_token", device, "device_code"]
    assert list(GRANTS) == names


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
