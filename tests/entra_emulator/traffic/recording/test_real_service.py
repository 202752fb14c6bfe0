"""Requests that are handed on to the real hosts, here a server behind a proxy."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from entra_emulator.traffic.recording.real_service import (
    RealRequest,
    RealService,
    ServiceUnreachable,
    read_proxy,
)
from tests.support.connect_proxy import connect_proxy, no_proxy
from tests.support.scripted_server import Answer, ScriptedServer

GET = RealRequest("graph.test", "GET", "/v1.0/users?$top=1", (("host", "graph.test"),), b"")
POST = GET._replace(method="POST", body=b"{}", headers=(("content-length", "2"),))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


def reach(server: ScriptedServer, proxy: str) -> RealService:
    tls = ssl.create_default_context(cafile=str(server.ca_file))
    return RealService(tls, {"https": f"http://{proxy}"})


def test_a_request(server: ScriptedServer) -> None:
    """Address, headers and body as they are; status, headers and body as they come."""
    server.script = [Answer(207, b"\x1f\x8b..", {"X-One": "tea", "Content-Encoding": "gzip"})]
    with connect_proxy(server.port) as (proxy, heads):
        service = reach(server, proxy)
        sent = POST._replace(headers=(*POST.headers, ("x-two", "tea"), ("x-two", "again")))
        answer = service.send(sent)
        service.close()

    (got,) = server.requests
    assert (got.method, got.target, got.body) == ("POST", "/v1.0/users?$top=1", b"{}")
    assert b"x-two: tea\r\nx-two: again\r\n" in got.head
    assert b"accept-encoding" not in got.head.lower()
    assert (answer.status, answer.body) == (207, b"\x1f\x8b..")
    assert ("x-one", "tea") in answer.headers
    assert heads[0].startswith("CONNECT graph.test:443 ")


def test_connections_are_kept(server: ScriptedServer) -> None:
    """A second request comes on the same connection; what changes something, on a new one."""
    server.script = [Answer(200, b"{}")]
    with connect_proxy(server.port) as (proxy, _):
        service = reach(server, proxy)
        for request in (GET, GET, POST):
            service.send(request)
        service.close()
    assert [one.connection for one in server.requests] == [1, 1, 2]


def test_a_connection_that_was_closed(server: ScriptedServer) -> None:
    """Reading is repeated on a new one; a cut answer is none."""
    server.script = [Answer(200, b"{}"), Answer(200, b"{}", cut=0), Answer(200, b"again")]
    with connect_proxy(server.port) as (proxy, _):
        service = reach(server, proxy)
        service.send(GET)
        assert service.send(GET).body == b"again"
        server.script = [Answer(200, b"0123456789", cut=4)]
        with pytest.raises(ServiceUnreachable, match=r"graph\.test does not answer"):
            service.send(POST)
        service.close()


def test_who_is_not_trusted(server: ScriptedServer) -> None:
    """Another authority, or a certificate for another name: nothing is sent."""
    with connect_proxy(server.port) as (proxy, _):
        strange = RealService(ssl.create_default_context(), {"all": f"http://{proxy}"})
        for service, host in ((strange, "graph.test"), (reach(server, proxy), "other.test")):
            with pytest.raises(ServiceUnreachable, match="does not answer"):
                service.send(GET._replace(host=host))
            service.close()
    assert server.requests == []


def test_a_proxy_with_a_password(server: ScriptedServer) -> None:
    """It gets its password, and the service does not; errors show neither."""
    server.script = [Answer(200, b"{}")]
    with connect_proxy(server.port) as (proxy, heads):
        service = reach(server, f"ann:p%40ss@{proxy}")
        service.send(GET)
        service.close()
    assert "Proxy-Authorization: Basic YW5uOnBAc3M=" in heads[0]
    assert b"Proxy" not in server.requests[0].head
    with no_proxy(b"HTTP/1.1 407 No\r\n\r\n") as (proxy, _):
        with pytest.raises(ServiceUnreachable) as raised:
            reach(server, f"ann:p%40ss@{proxy}").send(GET)
        assert "p@ss" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [("http://proxy:8080", "proxy", 8080), ("proxy:3128", "proxy", 3128), ("http://p", "p", 80)],
)
def test_proxies(url: str, host: str, port: int) -> None:
    assert read_proxy(url) == (host, port, (), False)


def test_a_proxy_behind_tls() -> None:
    proxy = read_proxy("https://ann:hush@proxy")
    assert (proxy.host, proxy.port, proxy.is_secure) == ("proxy", 443, True)


@pytest.mark.parametrize("url", ["socks5://ann:hush@proxy:1080", "http://"])
def test_other_proxies(url: str) -> None:
    with pytest.raises(ServiceUnreachable, match="only proxies of http") as raised:
        read_proxy(url)
    assert "hush" not in str(raised.value)
