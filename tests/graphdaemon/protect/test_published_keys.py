"""Whose metadata is believed, in each cloud and at an issuer of one's own."""

from __future__ import annotations

import pytest

from graphdaemon.protect.published_keys import (
    MetadataRefusedError,
    TokenService,
    _address,
    _check_issuer,
    _check_place,
    _is_key_of,
)

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
PUBLIC = TokenService("https://login.microsoftonline.com")
ALIAS = TokenService("https://login.windows.net")
USGOV = TokenService("https://login.microsoftonline.us")
CHINA = TokenService("https://login.partner.microsoftonline.cn")
CUSTOMERS = TokenService("https://contoso.ciamlogin.com")
OWN = TokenService("https://login.contoso.example", f"https://login.contoso.example/{TENANT}/v2.0")


@pytest.mark.parametrize(
    ("service", "version", "issuer"),
    [
        (PUBLIC, "2.0", f"https://login.microsoftonline.com/{TENANT}/v2.0"),
        (ALIAS, "2.0", f"https://login.microsoftonline.com/{TENANT}/v2.0"),
        (PUBLIC, "1.0", f"https://sts.windows.net/{TENANT}/"),
        (USGOV, "2.0", f"https://login.microsoftonline.us/{TENANT}/v2.0"),
        (USGOV, "1.0", f"https://sts.windows.net/{TENANT}/"),
        (CHINA, "2.0", f"https://login.partner.microsoftonline.cn/{TENANT}/v2.0"),
        (CHINA, "2.0", f"https://login.chinacloudapi.cn/{TENANT}/v2.0"),
        (CHINA, "1.0", f"https://sts.chinacloudapi.cn/{TENANT}/"),
        (CUSTOMERS, "2.0", f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0"),
        (OWN, "2.0", f"https://login.contoso.example/{TENANT}/v2.0"),
    ],
)
def test_each_cloud_has_its_issuers(service: TokenService, version: str, issuer: str) -> None:
    """The host by any of the cloud's names, the tenant by its ID."""
    assert _check_issuer(service, TENANT, version, issuer) == TENANT


@pytest.mark.parametrize(
    ("service", "version", "issuer"),
    [
        (PUBLIC, "2.0", f"https://login.microsoftonline.com/{OTHER}/v2.0"),
        (PUBLIC, "2.0", f"https://login.microsoftonline.us/{TENANT}/v2.0"),
        (PUBLIC, "2.0", f"https://login.microsoftonline.com.attacker.example/{TENANT}/v2.0"),
        (PUBLIC, "2.0", f"https://login.microsoftonline.com:8443/{TENANT}/v2.0"),
        (PUBLIC, "2.0", f"https://user@login.microsoftonline.com/{TENANT}/v2.0"),
        (PUBLIC, "2.0", f"http://login.microsoftonline.com/{TENANT}/v2.0"),
        (PUBLIC, "2.0", f"https://login.microsoftonline.com/{TENANT}/v2.0/more"),
        (PUBLIC, "2.0", f"https://login.microsoftonline.com/{TENANT}/"),
        (PUBLIC, "2.0", "https://login.microsoftonline.com/{tenantid}/v2.0"),
        (PUBLIC, "1.0", f"https://sts.windows.net/{TENANT}"),
        (PUBLIC, "1.0", f"https://sts.windows.example/{TENANT}/"),
        (PUBLIC, "1.0", f"https://login.microsoftonline.com/{TENANT}/v2.0"),
        (CUSTOMERS, "2.0", f"https://attacker.example/{TENANT}/v2.0"),
        (PUBLIC, "2.0", f"https://{TENANT}.ciamlogin.com/{TENANT}/v2.0"),
        (OWN, "2.0", f"https://login.contoso.example/{OTHER}/v2.0"),
        (OWN, "2.0", f"https://login.microsoftonline.com/{TENANT}/v2.0"),
        (PUBLIC, "2.0", ""),
        (PUBLIC, "2.0", "https://["),
    ],
)
def test_another_issuer_is_not_believed(service: TokenService, version: str, issuer: str) -> None:
    """Not even where the address only looks like the tenant's."""
    with pytest.raises(MetadataRefusedError, match="another issuer"):
        _check_issuer(service, TENANT, version, issuer)


@pytest.mark.parametrize(
    ("named", "tenant", "counts"),
    [
        ("https://login.microsoftonline.com/{tenantid}/v2.0", TENANT, True),
        (f"https://login.microsoftonline.com/{TENANT}/v2.0", TENANT, True),
        ("https://sts.windows.net/{tenantid}/", TENANT, True),
        (f"https://login.microsoftonline.com/{OTHER}/v2.0", TENANT, False),
        ("https://login.attacker.example/{tenantid}/v2.0", TENANT, False),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", "", False),
        ("", TENANT, False),
        (None, TENANT, True),
    ],
)
def test_a_key_that_names_an_issuer_counts_for_that_one(
    named: str | None, tenant: str, counts: bool
) -> None:
    """Keys of version 1.0 are said to be of the same issuer as those of 2.0, if of any."""
    issuer = f"https://sts.windows.net/{TENANT}/"

    assert _is_key_of({"issuer": named}, PUBLIC, tenant, issuer) is counts


@pytest.mark.parametrize("place", ["https://login.windows.net/k", "https://login.microsoft.com/k"])
def test_keys_may_be_at_another_name_of_the_same_service(place: str) -> None:
    """The worldwide token service has four."""
    _check_place(PUBLIC, place)
    with pytest.raises(MetadataRefusedError, match="not the token service's own"):
        _check_place(USGOV, place)


def test_each_version_has_metadata_of_its_own() -> None:
    """ "Access tokens": an API checks tokens of version 1.0 with the document of version 1.0."""
    assert _address(PUBLIC, TENANT, "1.0") == (
        f"https://login.microsoftonline.com/{TENANT}/.well-known/openid-configuration"
    )
    assert _address(PUBLIC, TENANT, "2.0") == (
        f"https://login.microsoftonline.com/{TENANT}/v2.0/.well-known/openid-configuration"
    )
    assert _address(OWN, TENANT, "2.0") == (
        f"https://login.contoso.example/{TENANT}/v2.0/.well-known/openid-configuration"
    )
