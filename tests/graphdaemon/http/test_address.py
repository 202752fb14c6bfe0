"""Addresses: split as a request needs them, or refused without being shown."""

import pytest

from graphdaemon.http.address import Address, AddressInvalidError, split_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://Graph.Test", Address("graph.test", 443, "graph.test", "/")),
        ("https://graph.test/a?b=c", Address("graph.test", 443, "graph.test", "/a?b=c")),
        ("https://graph.test:443/", Address("graph.test", 443, "graph.test", "/")),
        ("https://graph.test:8443/", Address("graph.test", 8443, "graph.test:8443", "/")),
        ("https://[::1]:8443/a", Address("::1", 8443, "[::1]:8443", "/a")),
        ("https://bücher.test/", Address("xn--bcher-kva.test", 443, "xn--bcher-kva.test", "/")),
        ("https://graph.test/#part", Address("graph.test", 443, "graph.test", "/")),
    ],
)
def test_an_address_has_a_host_and_a_target(url: str, address: Address) -> None:
    """The Host header names the port only where it is not the usual one."""
    assert split_address(url) == address


def test_the_usual_port_is_that_of_the_scheme() -> None:
    """Only a machine's own metadata service is asked without TLS."""
    assert split_address("http://169.254.169.254/a", "http").port == 80
    with pytest.raises(AddressInvalidError):
        split_address("http://169.254.169.254/a")


@pytest.mark.parametrize(
    "url",
    [
        *("", "graph.test", "//graph.test/", "https:///a", "https://:443/", "file:///etc/passwd"),
        *("https://[::1/", "https://[x]/", "https://\u2100.test/", "https://a:b/", "https://a:-1/"),
        *("https://a:65536/", f"https://a:{'9' * 5000}/", "https://a/b c", "https://a/\r\nB: c"),
        *("https://a/\u00fc", "https://a/\x7f", "https://a/\x00", f"https://{'ü' * 64}.test/"),
        *("https://ü..test/", "https://a b/", "https://a\u202e.test/", "https://a/\ud800"),
    ],
)
def test_what_is_no_address_is_refused_and_not_shown(url: str) -> None:
    """Whoever sent it: it may be a page link, which is nobody else's business."""
    with pytest.raises(AddressInvalidError) as caught:
        split_address(url)

    assert str(caught.value) == ""
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
