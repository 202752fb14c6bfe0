"""Who signed a certificate, and whether that shows a proxy that opens TLS."""

import pytest

from graphdaemon.http.interception import is_intercepted, name_signer, read_signer


@pytest.mark.parametrize(
    ("host", "signer", "intercepted"),
    [
        ("graph.microsoft.com", "Contoso Proxy", True),
        ("graph.microsoft.com:443", "Contoso Proxy", True),
        ("LOGIN.microsoftonline.us", "Contoso Proxy", True),
        ("graph.microsoft.com", "DigiCert Inc (DigiCert Global G2)", False),
        ("login.microsoftonline.com", "Microsoft Corporation", False),
        ("contoso.example", "Contoso Proxy", False),
    ],
)
def test_a_stranger_who_signs_for_microsoft_opens_tls(
    host: str, signer: str, *, intercepted: bool
) -> None:
    """In every cloud; who signs for other hosts, nobody knows."""
    assert is_intercepted(host, signer) is intercepted


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"organizationName": "DigiCert Inc", "commonName": "CA1"}, "DigiCert Inc (CA1)"),
        ({"organizationName": "DigiCert Inc"}, "DigiCert Inc"),
        ({"commonName": "CA1"}, "CA1"),
        ({"organizationalUnitName": "Proxies"}, "Proxies"),
        ({}, "somebody without a name"),
    ],
    ids=["both", "organization", "name", "unit", "none"],
)
def test_a_signer_is_named(names: dict[str, str], words: str) -> None:
    """By organization and name, as far as the certificate has them."""
    assert name_signer(tuple((pair,) for pair in names.items())) == words


def test_what_cannot_be_read_has_no_signer() -> None:
    """Nor has what is no list of names."""
    assert read_signer(b"no certificate") is None
    assert name_signer(None) == "somebody without a name"
