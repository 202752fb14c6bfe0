"""The settings of a protected API, from file, environment and caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.settings.protected_api import ApiSettings, read_api_settings

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
API = "22222222-2222-4333-8444-555555555555"
GRAPH = "00000003-0000-0000-c000-000000000000"
HOST = "https://login.microsoftonline.com"


def read(environment: dict[str, str] | None = None, **values: Any) -> ApiSettings:
    given = {"tenant": TENANT, "client_id": API} | values
    chosen = {name: value for name, value in given.items() if value is not None}
    return read_api_settings(None, environment or {}, chosen)


def test_tenant_and_client_id_are_enough() -> None:
    """The App ID URI that the portal proposes counts too."""
    settings = read()

    assert (settings.origin, settings.oidc_authority) == (HOST, None)
    assert settings.tenants == (TENANT,)
    assert settings.audiences == (API, f"api://{API}")
    assert (settings.roles, settings.clients) == ((), ())


def test_an_api_needs_no_credential_and_ignores_one() -> None:
    """The file may be that of a client too."""
    assert read(secret="a-secret", scope=["x/.default"]) == read()


def test_the_environment_gives_lists() -> None:
    """Separated by blanks, or as JSON."""
    settings = read(
        {
            "GRAPHDAEMON_AUDIENCE": "api://orders https://orders.contoso.example",
            "GRAPHDAEMON_ROLES": '["Orders.Read.All", "Orders.Write.All"]',
            "GRAPHDAEMON_CLIENTS": OTHER,
            "GRAPHDAEMON_TENANTS": f"{TENANT.upper()} contoso.example",
        }
    )

    assert settings.audiences[2:] == ("api://orders", "https://orders.contoso.example")
    assert settings.roles == ("Orders.Read.All", "Orders.Write.All")
    assert settings.clients == (OTHER,)
    assert settings.tenants == (TENANT, "contoso.example")


def test_the_machines_own_identity_is_not_the_apis() -> None:
    """Azure puts its client ID into the environment; tokens for it are not for this API."""
    azure = {
        "AZURE_CLIENT_ID": OTHER,
        "AZURE_CLIENT_SECRET": "a-secret",
        "AZURE_FEDERATED_TOKEN_FILE": "/none",
    }

    assert read(azure) == read()
    with pytest.raises(SettingsError, match="holds no client ID"):
        read(azure, client_id=None)


def test_what_tokens_are_for_has_to_be_said(tmp_path: Path) -> None:
    """Else every token of the tenant would be for this API, or none."""
    path = tmp_path / "parameters.toml"
    path.write_text(f'tenant = "{TENANT}"')
    with pytest.raises(SettingsError, match="no token could be meant for this API"):
        read_api_settings(path, {})

    path.write_text(f'tenant = "{TENANT}"\naudience = ["api://orders"]')
    assert read_api_settings(path, {}).audiences == ("api://orders",)


@pytest.mark.parametrize(
    ("values", "origin", "tenants"),
    [
        ({"authority": f"{HOST}/contoso.example"}, HOST, ("contoso.example",)),
        ({"cloud": "china"}, "https://login.partner.microsoftonline.cn", (TENANT,)),
        ({"cloud": "usgov", "tenants": [OTHER]}, "https://login.microsoftonline.us", (OTHER,)),
        ({"tenant": None, "tenants": [TENANT, OTHER]}, HOST, (TENANT, OTHER)),
        (
            {"tenant": None, "tenants": [TENANT], "cloud": "china"},
            "https://login.partner.microsoftonline.cn",
            (TENANT,),
        ),
        (
            {"authority": "https://contoso.ciamlogin.com/"},
            "https://contoso.ciamlogin.com",
            ("contoso.onmicrosoft.com",),
        ),
        (
            {"oidc_authority": f"https://login.contoso.example/{TENANT}/v2.0"},
            "https://login.contoso.example",
            (TENANT,),
        ),
    ],
)
def test_the_tenant_is_named_as_for_a_client(
    values: dict[str, Any], origin: str, tenants: tuple[str, ...]
) -> None:
    """By the same settings, in every cloud."""
    if "authority" in values or "oidc_authority" in values:
        values = {"tenant": None} | values

    settings = read(**values)

    assert (settings.origin, settings.tenants) == (origin, tenants)


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"tenants": ["common"]}, "setting_invalid", "names common, which is not a tenant"),
        ({"tenants": ["*"]}, "setting_invalid", "which is not a tenant"),
        ({"tenants": [f"{TENANT}/.."]}, "setting_invalid", "which is not a tenant"),
        ({"tenants": ["a.example/../b"]}, "setting_invalid", "which is not a tenant"),
        ({"tenants": 7}, "setting_invalid", "tenants in the caller is not a list of texts"),
        (
            {"roles": ["Orders.Read.All", ""]},
            "setting_invalid",
            "roles in the caller holds an empty",
        ),
        ({"roles": ["Orders Read"]}, "setting_invalid", "roles in the caller holds"),
        ({"audience": [7]}, "setting_invalid", "audience in the caller is not a list"),
        ({"tenant": None}, "authority_ambiguous", "neither of authority"),
        ({"tenant": None, "managed_identity": "system"}, "authority_ambiguous", "neither"),
        ({"tenant": None, "authority": f"{HOST}/common"}, "setting_invalid", "instead of a tenant"),
        (
            {"tenant": None, "oidc_authority": "https://login.contoso.example/x"},
            "setting_missing",
            "which tenants' tokens are accepted",
        ),
        (
            {
                "tenant": None,
                "oidc_authority": f"https://login.contoso.example/{TENANT}",
                "tenants": ["contoso.example"],
            },
            "setting_invalid",
            "which is not a tenant",
        ),
        ({"audiences": ["x"]}, "setting_unknown", "audiences"),
        ({"client_id": "Enter_the_Application_Id_Here"}, "setting_placeholder", "client_id"),
        ({"audience": ["https://graph.microsoft.com"]}, "setting_invalid", "Microsoft Graph"),
        ({"audience": ["https://Graph.microsoft.us/"]}, "setting_invalid", "Microsoft Graph"),
        ({"audience": GRAPH}, "setting_invalid", "Microsoft Graph"),
        ({"audience": "api://orders/.default"}, "setting_invalid", "is a scope"),
        ({"clients": ["orders-caller"]}, "setting_invalid", "not a client ID"),
        ({"clients": "*"}, "setting_invalid", "not a client ID"),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, Any], code: str, words: str) -> None:
    """With where it was read, before the first request."""
    with pytest.raises(SettingsError, match=words.replace("*", r"\*")) as caught:
        read(**values)

    assert caught.value.code == code
    assert caught.value.hint
