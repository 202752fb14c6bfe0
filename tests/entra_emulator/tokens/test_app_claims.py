import jwt

from tests.support.emulator_probe import App, Probe, register

CLAIMS = (
    "aud iss iat nbf exp aio app_displayname appid appidacr idp idtyp oid rh roles sub "
    "tenant_region_scope tid uti ver wids xms_tcdt"
).split()


def test_claims(app: App, token: str) -> None:
    """The access token has a real one's claims, signed by a published key."""
    emulator = app.probe.emulator
    keys = app.probe.get(f"/{app.tenant.id}/discovery/v2.0/keys").json()["keys"]
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWK(next(key for key in keys if key["kid"] == header["kid"]))

    claims = jwt.decode(token, key, algorithms=["RS256"], audience="https://graph.microsoft.com")

    assert list(claims) == CLAIMS
    principal = emulator.directory.service_principals.find(app.tenant, app.client_id)
    assert principal is not None
    issuer = f"https://sts.windows.net/{app.tenant.id}/"
    expected = {
        "iss": issuer,
        "idp": issuer,
        "app_displayname": "Nightly sync",
        "appid": app.client_id,
        "appidacr": "1",
        "idtyp": "app",
        "oid": principal.id,
        "sub": principal.id,
        "roles": ["User.Read.All"],
        "tid": app.tenant.id,
        "ver": "1.0",
        "tenant_region_scope": "EU",
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    }
    assert claims | expected == claims
    assert claims["iat"] == claims["nbf"]
    assert header == {"alg": "RS256", "typ": "JWT", "kid": header["x5t"], "x5t": header["x5t"]}


def test_no_roles(probe: Probe) -> None:
    """Without a granted role the claim is absent, not empty."""
    claims = jwt.decode(register(probe).token(), options={"verify_signature": False})

    assert "roles" not in claims
