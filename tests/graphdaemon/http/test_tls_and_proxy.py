"""Proxies: honoured for what is far, never for what is here, and explained when they refuse."""

import base64

import pytest

from graphdaemon.errors import NetworkError
from tests.support.connect_proxy import connect_proxy, far_listing
from tests.support.scripted_server import ScriptedServer, page


def test_a_far_host_is_reached_through_the_proxy_with_its_password(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONNECT to the host, authorised; the token service on this machine is reached directly."""
    scripted.script = [page({"id": "1"})]
    with connect_proxy(scripted.port) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:p%40ss@{address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

        assert far_listing(scripted) == 1

    assert [head.split()[:2] for head in heads] == [["CONNECT", f"graph.test:{scripted.port}"]]
    assert base64.b64encode(b"me:p@ss").decode() in heads[0]
    assert "Bearer" not in "".join(heads)


def test_a_proxy_that_refuses_is_named(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own words are repeated, its password is not."""
    with connect_proxy(scripted.port, "407 Proxy Authentication Required") as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret-word@{address}")

        with pytest.raises(NetworkError, match="407 Proxy Authentication Required") as caught:
            far_listing(scripted)

    assert caught.value.code == "proxy_refused"
    assert "secret-word" not in f"{caught.value} {caught.value.hint}"


def test_no_proxy_is_honoured(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exempted host is asked for directly, and so, here, not found."""
    with connect_proxy(scripted.port) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        monkeypatch.setenv("NO_PROXY", "graph.test")

        with pytest.raises(NetworkError):
            far_listing(scripted)

    assert heads == []
