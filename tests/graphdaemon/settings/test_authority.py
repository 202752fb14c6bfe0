"""An authority is read as it is pasted, where that can mean only one thing."""

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.settings.authority import cut_authority, cut_issuer
from graphdaemon.settings.read import read_settings

HOST = "https://login.microsoftonline.com"
TENANT = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    "tail",
    [
        *("", "/", "//", "/v2.0", "/v2.0/", "/oauth2", "/oauth2/token", "/oauth2/v2.0"),
        *("/oauth2/v2.0/token", "/oauth2/v2.0/token/", "/oauth2/v2.0/authorize", "/V2.0"),
        *("/oauth2/authorize", "/v2.0/.well-known/openid-configuration", "/adminconsent"),
        *("/.well-known/openid-configuration", "/v2.0/adminconsent", "/oauth2/v2.0/devicecode"),
    ],
)
def test_what_belongs_to_endpoints_is_cut_off(tail: str) -> None:
    """The portal lists endpoints, and a token's issuer ends with the version."""
    settings = read_settings(
        None,
        {},
        {
            "authority": f"{HOST}/{TENANT}{tail}",
            "client_id": TENANT,
            "secret": "Ab8~secret-of-the-app",
        },
    )

    assert settings.authority == f"{HOST}/{TENANT}"


@pytest.mark.parametrize(
    "tail", ["/saml2", "/v2.0/other", "/oauth2/v2.0/token/x", "?p=1", "#x", "/v2.0?code=top-secret"]
)
def test_what_may_mean_something_is_named(tail: str) -> None:
    """With what to write instead; an option's value may be a secret, and is not shown."""
    authority = f"{HOST}/{TENANT}{tail}"

    with pytest.raises(SettingsError, match="holds more than host and tenant") as caught:
        read_settings(
            None,
            {},
            {"authority": authority, "client_id": TENANT, "secret": "Ab8~secret-of-the-app"},
        )

    assert caught.value.code == "setting_invalid"
    assert f"{HOST}/{TENANT}" in (caught.value.hint or "")
    assert "top-secret" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize("tail", ["", "/", "/v2.0", "/oauth2/v2.0/token"])
def test_an_endpoint_without_a_tenant_names_none(tail: str) -> None:
    """`v2.0` is no tenant, though it stands in its place."""
    with pytest.raises(SettingsError, match="names no tenant"):
        read_settings(
            None,
            {},
            {"authority": f"{HOST}{tail}", "client_id": TENANT, "secret": "Ab8~secret-of-the-app"},
        )


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        ("https://contoso.ciamlogin.com/", "https://contoso.ciamlogin.com"),
        (
            "https://contoso.ciamlogin.com/contoso.onmicrosoft.com/v2.0/",
            "https://contoso.ciamlogin.com/contoso.onmicrosoft.com",
        ),
        (
            "https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_in/",
            "https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_in",
        ),
        ("https://sts.windows.net/contoso.com/", "https://sts.windows.net/contoso.com"),
        ("https://127.0.0.1:8443/contoso.com/v2.0", "https://127.0.0.1:8443/contoso.com"),
    ],
)
def test_other_hosts_keep_what_is_theirs(address: str, authority: str) -> None:
    """External ID may name the tenant in the host, and Azure AD B2C a policy behind it."""
    assert cut_authority(address) == authority


@pytest.mark.parametrize(
    "tail", ["", "/", "/.well-known/openid-configuration", "/.well-known/openid-configuration/"]
)
def test_an_issuer_is_told_from_its_metadata(tail: str) -> None:
    """Where it ends with v2.0, that is its own."""
    assert (
        cut_issuer(f"https://login.contoso.com/t/v2.0{tail}") == "https://login.contoso.com/t/v2.0"
    )
