import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from entra_emulator.clock import Clock
from entra_emulator.tokens.fetch import FetchFailed, make_fetch
from entra_emulator.tokens.foreign_keys import IssuerKeys
from tests.support.certificates_and_assertions import make_key
from tests.support.emulator_probe import Probe
from tests.support.foreign_issuer import METADATA, Foreign, describe, send, serving


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreign]:
    with serving(tmp_path_factory.mktemp("foreign")) as foreign:
        yield foreign


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Take the request and say nothing, until the client hangs up or the test is over."""
    handler.connection.settimeout(120)
    handler.rfile.read(1)


def drip(foreign: Foreign) -> Callable[[BaseHTTPRequestHandler], None]:
    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not foreign.stopped.wait(0.02):
            handler.wfile.write(b" ")

    return write


BROKEN: dict[str, tuple[str, Callable[[Foreign], Callable[[BaseHTTPRequestHandler], None]]]] = {
    "not found": (METADATA, lambda _: lambda h: send(h, {}, 404)),
    "a redirect": (METADATA, lambda _: lambda h: send(h, {}, 302)),
    "not JSON": (METADATA, lambda _: lambda h: send(h, b"<html>")),
    "a list": (METADATA, lambda _: lambda h: send(h, [])),
    "deeply nested": (METADATA, lambda _: lambda h: send(h, b'{"a":' * 9000)),
    "another's metadata": (
        METADATA,
        lambda _: lambda h: send(h, {"issuer": "https://issuer.example", "jwks_uri": "x"}),
    ),
    "no keys' address": (METADATA, lambda f: lambda h: send(h, {"issuer": f.url})),
    "keys without TLS": (
        METADATA,
        lambda f: lambda h: send(h, {"issuer": f.url, "jwks_uri": "http://localhost/keys"}),
    ),
    "keys in a file": (
        METADATA,
        lambda f: lambda h: send(h, {"issuer": f.url, "jwks_uri": "file:///etc/passwd"}),
    ),
    "an address of garbage": (
        METADATA,
        lambda f: lambda h: send(h, {"issuer": f.url, "jwks_uri": "https://[/keys"}),
    ),
    "keys that are no list": ("/keys", lambda _: lambda h: send(h, {"keys": {}})),
    "a document too large": ("/keys", lambda _: lambda h: send(h, b" " * 300_000)),
    "a document in drops": ("/keys", drip),
    "silence": ("/keys", lambda _: hang),
}


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN)
def test_broken_issuer(
    foreign: Foreign,
    case: tuple[str, Callable[[Foreign], Callable[[BaseHTTPRequestHandler], None]]],
) -> None:
    """An issuer that answers nonsense, too much or too slowly has no keys, and costs no time."""
    path, make = case
    usual = foreign.answers[path]
    foreign.answers[path] = make(foreign)
    issuers = IssuerKeys(make_fetch(foreign.ca_file, seconds=0.3), Clock())
    try:
        keys = issuers.load(foreign.url, "one").result(timeout=60)
    finally:
        foreign.answers[path] = usual
        issuers.close()

    assert keys.failure
    assert not keys.keys


def test_untrusted_certificate(foreign: Foreign, probe: Probe) -> None:
    """A document from a host whose certificate nobody vouches for is not taken."""
    fetch = make_fetch(probe.emulator.ca_file)

    with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(f"{foreign.url}/keys")
    with pytest.raises(FetchFailed, match="not an https URL"):
        fetch("https://user:secret@localhost/keys")


class Documents:
    """An issuer's documents without the network, and how often they were asked for."""

    def __init__(self) -> None:
        self.keys: list[Any] = [describe("one", make_key(7))]
        self.count = 0
        self.silent = False

    def fetch(self, url: str) -> bytes:
        if self.silent:
            raise FetchFailed("silence")
        if url.endswith("configuration"):
            self.count += 1
            return json.dumps({"issuer": "https://i.example", "jwks_uri": "https://k"}).encode()
        return json.dumps({"keys": self.keys}).encode()


@pytest.fixture
def documents() -> Documents:
    return Documents()


@pytest.fixture
def ticks() -> list[float]:
    return [0.0]


@pytest.fixture
def clock() -> Clock:
    return Clock(at=1_800_000_000)


@pytest.fixture
def load(documents: Documents, ticks: list[float], clock: Clock) -> Iterator[Callable[[str], Any]]:
    issuers = IssuerKeys(documents.fetch, clock, monotonic=lambda: ticks[0])
    yield lambda kid: issuers.load("https://i.example", kid).result()
    issuers.close()


def test_keys_are_kept(load: Callable[[str], Any], documents: Documents, clock: Clock) -> None:
    """Keys are fetched once a day, by the emulator's clock."""
    counts = []
    for seconds in (0, 86_000, 500):
        clock.move(seconds)
        load("one")
        counts.append(documents.count)

    assert counts == [1, 1, 2]


def test_foreign_rotation(
    load: Callable[[str], Any], documents: Documents, ticks: list[float]
) -> None:
    """A key not seen before is looked for, but not more often than every five seconds."""
    found = [set(load("one").keys)]
    documents.keys.append(describe("two", make_key(8)))
    for tick in (1.0, 6.0, 7.0):
        ticks[0] = tick
        found.append(set(load("two").keys))
    load("three")

    assert found == [{"one"}, {"one"}, {"one", "two"}, {"one", "two"}]
    assert documents.count == 2


def test_silent_issuer(
    load: Callable[[str], Any], documents: Documents, ticks: list[float], clock: Clock
) -> None:
    """The keys of an issuer that fell silent stay good for a day, and no longer."""
    load("one")
    documents.silent = True
    found = []
    for seconds in (0, 86_000, 86_000):
        clock.move(seconds)
        ticks[0] += 10
        keys = load("new")
        found.append((set(keys.keys), bool(keys.failure)))

    assert found == [({"one"}, True), ({"one"}, True), (set(), True)]


def test_useless_keys(load: Callable[[str], Any], documents: Documents) -> None:
    """Of a keys document only the first hundred count, and only keys that sign what we take."""
    good = describe("good", make_key(7))
    useless: list[Any] = [
        7,
        good | {"kid": 7},
        good | {"kid": "enc", "use": "enc"},
        good | {"kid": "PS256", "alg": "PS256"},
        good | {"kid": "small", "n": "AQAB"},
        good | {"kid": "broken", "n": None},
        {"kty": "oct", "kid": "oct", "k": "AAAA"},
    ]
    documents.keys = [*useless, good, *[good | {"kid": str(n)} for n in range(200)]]

    assert set(load("good").keys) == {"good", *(str(n) for n in range(92))}
