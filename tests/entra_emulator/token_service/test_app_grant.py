from collections.abc import Callable
from typing import Any

import jwt
import pytest

from entra_emulator.model.applications import GRAPH_APP_ID
from tests.support.emulator_probe import App, Probe, register

V1_CLAIMS = (
    "aud iss iat nbf exp aio appid appidacr idp oid rh roles sub tid uti ver"  # and no more
).split()
V2_CLAIMS = "aud iss iat nbf exp aio azp azpacr oid rh roles sub tid uti ver".split()


def expose(app: App, identifier: str | None = None, *roles: str, **more: Any) -> str:
    """Make the application an API; its identifier."""
    record = app.probe.emulator.directory.applications.expose_api(
        app.tenant, app.client_id, identifier, [(role, f"Do {role}") for role in roles], **more
    ).record
    identifiers: list[str] = record["identifierUris"]
    return identifiers[-1]


def consent(app: App, api: App, *roles: str) -> None:
    directory = app.probe.emulator.directory
    for role in roles:
        directory.applications.add_application_permission(
            app.tenant, app.client_id, role, resource_app_id=api.client_id
        )
    directory.consents.grant_admin_consent(app.tenant, app.client_id)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def code_of(app: App, scope: str) -> list[int]:
    codes: list[int] = app.probe.post(app.token_path, app.form(scope=scope)).json()["error_codes"]
    return codes


def test_version_1(probe: Probe) -> None:
    """By default an API gets tokens of version 1.0, for the identifier that was asked for."""
    app, api = register(probe, "User.Read.All"), register(probe, name="Orders")
    identifier = expose(api, None, "Orders.Read", "Orders.Write")
    consent(app, api, "Orders.Write", "Orders.Read")
    for asked in (identifier, f"{identifier}/", identifier.upper(), api.client_id):
        token = app.token(scope=f"{asked}/.default")
        claims = claims_of(token)

        assert list(claims) == V1_CLAIMS
        issuer = f"https://sts.windows.net/{app.tenant.id}/"
        expected = {
            "aud": asked,
            "iss": issuer,
            "idp": issuer,
            "appid": app.client_id,
            "appidacr": "1",
            "roles": ["Orders.Read", "Orders.Write"],
            "ver": "1.0",
        }
        assert claims | expected == claims
        assert "x5t" in jwt.get_unverified_header(token)
    assert identifier == f"api://{api.client_id}"


def test_version_2(probe: Probe) -> None:
    """A token of version 2.0 is for the client ID, and agrees with the v2.0 metadata."""
    app, api = register(probe), register(probe)
    identifier = expose(api, "https://orders.contoso.example/", "Orders.Read", token_version=2)
    consent(app, api, "Orders.Read")
    metadata = probe.get(f"/{app.tenant.id}/v2.0/.well-known/openid-configuration").json()
    keys = probe.get(metadata["jwks_uri"]).json()["keys"]

    token = app.token(scope=f"{identifier}/.default")

    header = jwt.get_unverified_header(token)
    key = jwt.PyJWK(next(key for key in keys if key["kid"] == header["kid"]))
    claims = jwt.decode(token, key, ["RS256"], audience=api.client_id, issuer=metadata["issuer"])
    assert list(claims) == V2_CLAIMS
    assert (claims["azp"], claims["azpacr"], claims["ver"]) == (app.client_id, "1", "2.0")
    assert claims["roles"] == ["Orders.Read"]
    assert header == {"alg": "RS256", "typ": "JWT", "kid": header["kid"]}


def test_only_own_roles(probe: Probe) -> None:
    """A token has the roles of its resource only, and without any the claim is absent."""
    app, api, other = register(probe, "User.Read.All"), register(probe), register(probe)
    scopes = [f"{expose(thing, None, 'Things.Read')}/.default" for thing in (api, other)]
    consent(app, api, "Things.Read")

    tokens = [claims_of(app.token(scope=scope)) for scope in scopes]

    assert [claims.get("roles") for claims in tokens] == [["Things.Read"], None]
    assert claims_of(app.token())["roles"] == ["User.Read.All"]


@pytest.mark.parametrize("version", [1, 2])
def test_optional_claims(probe: Probe, version: int) -> None:
    """`idtyp` and `xms_cc` are for APIs that ask for them."""
    app, plain, curious = register(probe), register(probe), register(probe)
    scopes = [
        f"{expose(plain, token_version=version)}/.default",
        f"{expose(curious, token_version=version, optional_claims=['idtyp', 'xms_cc'])}/.default",
    ]
    wish = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'

    found = [claims_of(app.token(scope=scope, claims=wish)) for scope in scopes]

    assert [(c.get("idtyp"), c.get("xms_cc")) for c in found] == [(None, None), ("app", ["cp1"])]
    assert found[1]["exp"] - found[1]["iat"] < 5400
    assert "xms_cc" not in claims_of(app.token(scope=scopes[1]))


def test_graph_refuses(probe: Probe) -> None:
    """Graph does not take a token that is for another API."""
    app, api = register(probe, "User.Read.All"), register(probe)
    token = app.token(scope=f"{expose(api)}/.default")

    assert app.get("/v1.0/users", token).message.endswith("Invalid audience.")


def test_assignment_required(probe: Probe) -> None:
    """An API that wants its callers assigned gives tokens to nobody else."""
    app, api = register(probe, name="Caller"), register(probe, name="Orders")
    scope = f"{expose(api, None, 'Orders.Read', assignment_required=True)}/.default"
    directory = probe.emulator.directory

    refused = probe.post(app.token_path, app.form(scope=scope)).json()
    directory.consents.grant_app_role(
        app.tenant, app.client_id, None, resource_app_id=api.client_id
    )
    assigned = claims_of(app.token(scope=scope))
    directory.consents.grant_app_role(
        app.tenant, app.client_id, "Orders.Read", resource_app_id=api.client_id
    )
    allowed = claims_of(app.token(scope=scope))

    assert refused["error"] == "invalid_grant"
    assert refused["error_description"].startswith(
        f"AADSTS501051: Application '{app.client_id}'(Caller) is not assigned to a role for the "
        f"application '{api.client_id}'(Orders). Trace ID"
    )
    assert (assigned.get("roles"), allowed["roles"]) == (None, ["Orders.Read"])


def test_disabled_resource(probe: Probe) -> None:
    """There are no tokens for an API whose service principal or application is disabled."""
    app, api = register(probe), register(probe)
    scope = f"{expose(api)}/.default"
    directory = probe.emulator.directory
    codes = []
    for enabled, disabled in ((False, False), (True, True)):
        directory.service_principals.enable(app.tenant, api.client_id, enabled=enabled)
        directory.applications.disable(app.tenant, api.client_id, disabled=disabled)
        codes.append(code_of(app, scope))
    directory.applications.disable(app.tenant, api.client_id, disabled=False)

    assert codes == [[500014], [500014]]
    assert claims_of(app.token(scope=scope))["aud"] == f"api://{api.client_id}"


def test_unknown_resource(probe: Probe) -> None:
    """What is no API's identifier is an unknown resource; of an identifier nothing is guessed."""
    app, api = register(probe), register(probe)
    expose(api, "api://orders/v1")

    codes = [code_of(app, f"{name}/.default") for name in ("api://orders", "api://orders/v1/x")]

    assert codes == [[500011], [500011]]


@pytest.mark.parametrize("uris", [(), ("api://contoso.example/other",)], ids=["none", "other"])
def test_a_uri_that_nobody_set_is_named(probe: Probe, uris: tuple[str, ...]) -> None:
    """The service only says that there is none; here the application that is meant is named."""
    app, api = register(probe), register(probe, name="Orders API")
    for uri in uris:
        probe.emulator.directory.applications.expose_api(
            app.tenant, api.client_id, identifier_uri=uri
        )

    answer = probe.post(app.token_path, app.form(scope=f"api://{api.client_id}/.default"))

    said = answer.json()["error_description"]
    state = f"has the Application ID URI {uris[0]}" if uris else "has no Application ID URI"
    assert f"The application 'Orders API' of this tenant {state}: set this one under " in said
    assert (
        "Expose an API"
        not in probe.post(app.token_path, app.form(scope="api://nobody/.default")).json()[
            "error_description"
        ]
    )


def test_wrong_exposure(probe: Probe) -> None:
    """What cannot be exposed is a clear error, and changes nothing."""
    app, api = register(probe), register(probe)
    expose(api, "api://taken", "Things.Read")
    directory = probe.emulator.directory
    before = directory.applications.find(app.tenant, app.client_id)

    for identifier, more, message in (
        ("api://taken", {}, "names another application"),
        ("https://graph.microsoft.com", {}, "names another application"),
        ("orders", {}, "no App ID URI"),
        ("api://two words", {}, "no App ID URI"),
        (None, {"token_version": 3}, "version 1 or 2"),
        (None, {"optional_claims": ["email"]}, "none of idtyp"),
    ):
        with pytest.raises(ValueError, match=message):
            expose(app, identifier, **more)
    with pytest.raises(ValueError, match=r"app role 'Things\.Read' already"):
        expose(api, "api://taken", "Things.Read")
    with pytest.raises(LookupError, match="no application"):
        directory.applications.expose_api(app.tenant, GRAPH_APP_ID)
    assert directory.applications.find(app.tenant, app.client_id) == before


def test_roles_of_other_tenants(launch: Callable[..., Probe]) -> None:
    """A multi-tenant API brings its roles and identifiers into every tenant that has it."""
    probe = launch(users=3)
    directory = probe.emulator.directory
    guest = directory.tenants.create("Litware", ("litware.example",))
    home = probe.emulator.tenant
    made = directory.applications.register(home, "API", sign_in_audience="AzureADMultipleOrgs")
    directory.applications.expose_api(home, made.app_id, "api://shared", [("Early", "Early")])
    directory.consents.grant_admin_consent(guest, made.app_id)
    directory.applications.expose_api(home, made.app_id, "api://shared", [("Late", "Late")])
    app = register(probe, tenant=guest)

    directory.consents.grant_app_role(guest, app.client_id, "Early", resource_app_id=made.app_id)
    directory.consents.grant_app_role(guest, app.client_id, "Late", resource_app_id=made.app_id)

    assert claims_of(app.token(scope="api://shared/.default"))["roles"] == ["Early", "Late"]
    assert directory.service_principals.find_api(
        home, "api://shared"
    ) != directory.service_principals.find_api(guest, "api://shared")


@pytest.mark.parametrize(
    "name", ["https://management.core.windows.net/", "https://management.azure.com/"]
)
def test_azure_resource_manager(app: App, name: str) -> None:
    """Azure CLI's first token: the slash of the identifier stays, in scope and audience."""
    claims = jwt.decode(app.token(scope=f"{name}/.default"), options={"verify_signature": False})

    assert claims["aud"] == name
    assert "roles" not in claims


@pytest.mark.parametrize(
    "resource",
    [
        "https://graph.microsoft.com",
        "https://graph.microsoft.com/",
        "00000003-0000-0000-c000-000000000000",
        "{url}",
        "{url}/",
        "https://127.0.0.1",
        "https://localhost",
    ],
)
def test_graph_names(app: App, resource: str) -> None:
    """Every name of Graph is the token's audience exactly as asked, and Graph takes it."""
    resource = resource.format(url=app.probe.emulator.url)
    token = app.token(scope=f"{resource}/.default openid profile offline_access")

    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims["aud"] == resource
    assert app.get("/v1.0/users?$top=1", token).status == 200


def test_another_resource(app: App) -> None:
    """A token for another API names it as audience, has its roles only, and is not Graph's."""
    api = app.probe.emulator.directory.applications.register(app.tenant, "Ledger API")
    token = app.token(scope=f"{api.app_id}/.default")

    claims = jwt.decode(token, options={"verify_signature": False})

    assert (claims["aud"], "roles" in claims) == (api.app_id, False)
    message = "Access token validation failure. Invalid audience."
    assert app.get("/v1.0/users", token).message == message
