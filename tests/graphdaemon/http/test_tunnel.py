"""The way through a proxy: plain, over TLS, by SOCKS; and who is to blame where it ends."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import trustme

from graphdaemon.errors import NetworkError, SettingsError
from graphdaemon.http.response import Response
from graphdaemon.http.socks import require_socks
from graphdaemon.http.transport import Transport
from tests.support.connect_proxy import (
    connect_proxy,
    far_listing,
    make_tls,
    no_proxy,
    socks_proxy,
)
from tests.support.run_command import Command
from tests.support.scripted_server import TENANT, Answer, ScriptedServer, page

PASSWORD = "p@ss/word#7"
SIGNED = "me:p%40ss/word#7"
BASIC = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
VARIABLES = ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def trusted(scripted: ScriptedServer, tmp_path: Path) -> Path:
    """The authorities of the server and of the proxies in one file."""
    path = tmp_path / "authorities.pem"
    path.write_bytes(scripted.ca_file.read_bytes() + AUTHORITY.cert_pem.bytes())
    return path


AUTHORITY = trustme.CA()


def reach(
    server: ScriptedServer, ca_file: Path | None = None, host: str = "graph.test", times: int = 1
) -> list[Response]:
    """The answers of a server whose name only a proxy can resolve."""
    transport = Transport(ca_file=ca_file or server.ca_file, timeout=20)
    try:
        address = f"https://{host}:{server.port}/v1.0/users"
        return [transport.exchange("GET", address, {}) for _ in range(times)]
    finally:
        transport.close()


def test_a_far_host_is_reached_through_the_proxy_with_its_password(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CONNECT to the host, authorised; the token service on this machine is reached directly."""
    scripted.script = [page({"id": "1"})]
    with connect_proxy(scripted.port) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{SIGNED}@{address}")

        assert far_listing(scripted) == 1

    assert [head.split()[:2] for head in heads] == [["CONNECT", f"graph.test:{scripted.port}"]]
    assert BASIC in heads[0]
    assert "Bearer" not in "".join(heads)


def test_no_proxy_is_honoured(scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exempted host is asked for directly, and so, here, not found."""
    with connect_proxy(scripted.port) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        monkeypatch.setenv("NO_PROXY", "graph.test")

        with pytest.raises(NetworkError, match=r"the name of graph\.test"):
            far_listing(scripted)

    assert heads == []


# ---- TLS to the proxy ------------------------------------------------------------------------


def test_a_proxy_is_spoken_to_over_tls_and_the_host_within_that(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, trusted: Path
) -> None:
    """One connection carries many requests, with answers of every length."""
    sizes = [0, 1, 16_383, 16_384, 16_385, 70_000, 900_000]
    scripted.script = [Answer(200, b"x" * size) for size in sizes]
    with connect_proxy(scripted.port, tls=make_tls(AUTHORITY)) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"https://{SIGNED}@{address}")

        answers = reach(scripted, trusted, times=len(sizes))

    assert [len(answer.body) for answer in answers] == sizes
    (head,) = heads
    assert head.startswith(f"CONNECT graph.test:{scripted.port} HTTP/1.1\r\n")
    assert f"Proxy-Authorization: Basic {BASIC}\r\n" in head


def test_a_long_request_is_sent_whole_within_tls(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, trusted: Path
) -> None:
    """Longer than what a socket takes at once."""
    scripted.script = [page()]
    body = bytes(range(256)) * 20_000
    transport = Transport(ca_file=trusted, timeout=20)
    with connect_proxy(scripted.port, tls=make_tls(AUTHORITY)) as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"https://{address}")
        transport.exchange("POST", f"https://graph.test:{scripted.port}/", {}, body)
        transport.close()

    assert scripted.only_request.body == body


def test_a_proxy_that_is_not_trusted_learns_nothing(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the password nor where the way leads."""
    with connect_proxy(scripted.port, tls=make_tls(AUTHORITY)) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"https://{SIGNED}@{address}")

        with pytest.raises(NetworkError, match=f"certificate of the proxy {address}") as caught:
            reach(scripted)

    assert caught.value.case == "proxy_untrusted"
    assert heads == []


def test_a_proxy_whose_certificate_is_anothers_learns_nothing(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, trusted: Path
) -> None:
    tls = make_tls(AUTHORITY, "other.example")
    with connect_proxy(scripted.port, tls=tls) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"https://{SIGNED}@{address}")

        with pytest.raises(NetworkError) as caught:
            reach(scripted, trusted)

    assert caught.value.case == "proxy_untrusted"
    assert heads == []


def test_the_password_is_never_sent_in_clear_to_a_proxy_that_should_speak_tls(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not speak TLS gets the first bytes of TLS and nothing else."""
    with no_proxy(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (address, read):
        monkeypatch.setenv("HTTPS_PROXY", f"https://{SIGNED}@{address}")

        with pytest.raises(NetworkError, match="does not speak TLS"):
            reach(scripted)

    assert read
    assert all(part[:1] == b"\x16" and b"CONNECT" not in part for part in read)
    assert BASIC.encode() not in b"".join(read)


def test_a_host_behind_a_proxy_over_tls_is_checked_as_any_other(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Trust in the proxy is none in what it leads to; who signed is still told."""
    path = tmp_path / "proxy.pem"
    AUTHORITY.cert_pem.write_to_path(str(path))
    with connect_proxy(scripted.port, tls=make_tls(AUTHORITY)) as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"https://{address}")

        with pytest.raises(NetworkError, match="signed by trustme") as caught:
            reach(scripted, path)

    assert caught.value.case == "tls_untrusted"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_through_a_proxy_ends_when_it_is_cancelled(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, trusted: Path, scheme: str
) -> None:
    """The thread that waits for the answer ends as well, though none ever comes."""
    asked, done = threading.Event(), threading.Event()

    def answer(_: object) -> Answer:
        asked.set()
        done.wait()
        return page()

    scripted.script = answer

    async def cancel(transport: Transport) -> None:
        address = f"https://graph.test:{scripted.port}/"
        request = asyncio.create_task(transport.send("GET", address, {}))
        await asyncio.to_thread(asked.wait)
        request.cancel()
        await request

    before = set(threading.enumerate())
    tls = make_tls(AUTHORITY) if scheme == "https" else None
    with connect_proxy(scripted.port, tls=tls) as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{address}")
        transport = Transport(ca_file=trusted, timeout=60)
        try:
            with pytest.raises(asyncio.CancelledError):
                asyncio.run(cancel(transport))
        finally:
            transport.close()
            done.set()

    workers = [one for one in set(threading.enumerate()) - before if one.name == "graphdaemon"]
    assert workers == []


# ---- SOCKS -----------------------------------------------------------------------------------


def test_a_socks_proxy_resolves_the_name_if_it_is_asked_to(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """socks5h; the password is sent as it was meant."""
    scripted.script = [page({"id": "1"})]
    with socks_proxy(scripted.port, user="me", password=PASSWORD) as (address, asked):
        monkeypatch.setenv("ALL_PROXY", f"socks5h://{SIGNED}@{address}")

        assert far_listing(scripted) == 1

    assert asked == [f"graph.test:{scripted.port}"]


def test_a_socks_proxy_is_given_an_address_if_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """socks5: a name is resolved here, and one that cannot be is the host's fault."""
    with (
        ScriptedServer("192.0.2.7") as server,
        socks_proxy(server.port) as (address, asked),
    ):
        server.script = [page()]
        monkeypatch.setenv("ALL_PROXY", f"socks5://{address}")

        assert reach(server, host="192.0.2.7")[0].status == 200
        with pytest.raises(NetworkError, match=r"the name of graph\.test.* could not be resolved"):
            reach(server)

        assert asked == [f"192.0.2.7:{server.port}"]


@pytest.mark.parametrize("user", ["", "stranger:pw", "me:wrong", "mé:pw"])
def test_a_socks_proxy_that_does_not_sign_us_in_is_named(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    with socks_proxy(scripted.port, user="me", password=PASSWORD) as (address, asked):
        monkeypatch.setenv("ALL_PROXY", f"socks5h://{user}@{address}")

        with pytest.raises(NetworkError, match=f"the proxy {address}") as caught:
            reach(scripted)

    assert caught.value.case == "proxy_password"
    assert asked == []


def test_a_socks_proxy_that_does_not_reach_the_host_is_named(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socks_proxy(scripted.port, reply=4) as (address, _):
        monkeypatch.setenv("ALL_PROXY", f"socks5h://{address}")

        with pytest.raises(NetworkError, match=f"the proxy {address} .* could not reach") as caught:
            reach(scripted)

    assert caught.value.case == "proxy_gateway"


def test_the_package_for_socks_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it is where the extra is not installed."""
    monkeypatch.setitem(sys.modules, "python_socks", None)

    with pytest.raises(SettingsError, match="ALL_PROXY names a SOCKS proxy") as caught:
        require_socks("ALL_PROXY")

    assert caught.value.code == "proxy_invalid"
    assert "graphdaemon[socks]" in (caught.value.hint or "")


# ---- Who is to blame -------------------------------------------------------------------------


@contextlib.contextmanager
def nothing_listens() -> Iterator[tuple[str, list[bytes]]]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}", []


@contextlib.contextmanager
def no_such_name() -> Iterator[tuple[str, list[bytes]]]:
    yield "proxy.invalid:3128", []


Hop = Callable[[ScriptedServer], AbstractContextManager[tuple[str, Any]]]


def refusing(status: str, *headers: str) -> Hop:
    return lambda server: connect_proxy(server.port, status, headers=headers)


NEGOTIATE = ("Proxy-Authenticate: Negotiate", "Proxy-Authenticate: NTLM")
DIGEST = ('Proxy-Authenticate: Digest realm="a, Basic b", nonce="x"',)
BOTH = ('Proxy-Authenticate: Negotiate, Basic realm="corp"',)
HOPS: dict[str, tuple[str, Hop, str, str]] = {
    # name: (scheme, what stands at the proxy's address, case, words)
    "down": ("http", lambda _: nothing_listens(), "proxy_down", "connection refused"),
    "down, TLS": ("https", lambda _: nothing_listens(), "proxy_down", "connection refused"),
    "down, SOCKS": ("socks5h", lambda _: nothing_listens(), "proxy_down", "connection refused"),
    "unknown": ("http", lambda _: no_such_name(), "proxy_unknown", "could not be resolved"),
    "unknown, SOCKS": ("socks5h", lambda _: no_such_name(), "proxy_unknown", "not be resolved"),
    "hangs up": ("http", lambda _: no_proxy(), "proxy_lost", "closed the connection"),
    "hangs up, TLS": ("https", lambda _: no_proxy(), "proxy_lost", "closed the connection"),
    "hangs up, SOCKS": (
        "socks5h",
        lambda _: no_proxy(),
        "proxy_foreign",
        "not answer as a SOCKS 5",
    ),
    "mail server": (
        "http",
        lambda _: no_proxy(b"220 mail\r\n"),
        "proxy_foreign",
        "not answer as an HTTP",
    ),
    "noise": (
        "http",
        lambda _: no_proxy(b"\x15\x03\x01\x00\x02"),
        "proxy_foreign",
        "not answer as an",
    ),
    "plain, TLS": ("https", lambda _: no_proxy(b"HTTP/1.1 400 \r\n\r\n"), "proxy_foreign", "TLS"),
    "HTTP, SOCKS": ("socks5h", lambda _: no_proxy(b"HTTP/1.1 400"), "proxy_foreign", "SOCKS 5"),
    "403": ("http", refusing("403 Forbidden"), "proxy_blocked", "403 Forbidden"),
    "405": ("http", refusing("405 No"), "proxy_refused", "refused the connection: 405 No"),
    "407": ("http", refusing("407 Who"), "proxy_password", "does not accept"),
    "407, Negotiate and NTLM": (
        "http",
        refusing("407 Who", *NEGOTIATE),
        "proxy_sign_in",
        "sign-in by Negotiate or NTLM, which is not supported",
    ),
    "407, Digest": ("http", refusing("407 Who", *DIGEST), "proxy_sign_in", "by Digest, which"),
    "407, Basic too": ("http", refusing("407 Who", *BOTH), "proxy_password", "does not accept"),
    "502": ("http", refusing("502 Bad Gateway"), "proxy_gateway", "could not reach the host"),
    "503": ("http", refusing("503 Busy"), "proxy_gateway", "could not reach the host: 503"),
    "504": ("http", refusing("504 Timeout"), "proxy_gateway", "could not reach the host: 504"),
}

# A connection that was lost is worth another attempt, after a while.
COMMANDS = [("users", "--attempts", "1"), ("token",), ("doctor",)]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("name", HOPS)
def test_the_hop_that_failed_is_named_by_every_command(
    command: Command,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    arguments: tuple[str, ...],
) -> None:
    """The proxy, its variable, what it did, on the way to which host; never the password."""
    scheme, open_hop, _, words = HOPS[name]
    path = scripted.write_parameters(
        tmp_path, authority=f"https://login.test:{scripted.port}/{TENANT}"
    )
    with open_hop(scripted) as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{SIGNED}@{address}")

        outcome = command(*arguments, path)

    said = f"{outcome.err}{outcome.out.decode()}"
    assert outcome.code == 6
    assert f"the proxy {address} (HTTPS_PROXY)" in said
    assert words in said
    assert f"login.test:{scripted.port}" in said
    assert PASSWORD not in said
    assert BASIC not in said


@pytest.mark.parametrize("name", HOPS)
def test_the_hop_that_failed_has_its_case(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """And a next step about the proxy."""
    scheme, open_hop, case, words = HOPS[name]
    with open_hop(scripted) as (address, _):
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{SIGNED}@{address}")

        with pytest.raises(NetworkError, match=words) as caught:
            reach(scripted)

    assert caught.value.case == case
    assert "proxy" in (caught.value.hint or "").lower()


def test_a_proxy_that_says_nothing_is_given_up(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The timeout is the settings' own."""
    for scheme in ("http", "https", "socks5h"):
        with no_proxy(close=False) as (address, _):
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://{address}")
            transport = Transport(ca_file=scripted.ca_file, timeout=0.2)
            with pytest.raises(NetworkError, match=f"{address} .* did not answer") as caught:
                transport.exchange("GET", "https://graph.test/", {})
            transport.close()

        assert caught.value.case == "proxy_silent"


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HTTPS_PROXY", f"http://{SIGNED}@proxy:99999", "its port is not a number"),
        ("HTTPS_PROXY", f"socks4://{SIGNED}@proxy", "SOCKS 4 is not supported"),
        ("ALL_PROXY", f"http://{SIGNED}", "something follows its port"),
    ],
)
def test_a_proxy_that_cannot_be_read_is_a_wrong_setting_in_every_command(
    command: Command,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    arguments: tuple[str, ...],
    variable: str,
    value: str,
    words: str,
) -> None:
    """The variable and the part are named; no traceback, no password."""
    path = scripted.write_parameters(
        tmp_path, authority=f"https://login.test:{scripted.port}/{TENANT}"
    )
    monkeypatch.setenv(variable, value)

    outcome = command(*arguments, path)

    said = f"{outcome.err}{outcome.out.decode()}"
    assert outcome.code == 3
    assert f"{variable} cannot be read" in said
    assert words in said
    assert "word#7" not in said


def test_a_proxy_that_cannot_be_read_costs_no_credential(
    command: Command,
    scripted: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The next one would go the same way, so the first is not said to be lost."""
    path = scripted.write_parameters(
        tmp_path,
        authority=f"https://login.test:{scripted.port}/{TENANT}",
        secret=None,
        credentials=[{"secret": "first"}, {"secret": "second"}],
    )
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:99999")

    outcome = command("users", path)

    assert outcome.code == 3
    assert "no longer accepted" not in outcome.err
