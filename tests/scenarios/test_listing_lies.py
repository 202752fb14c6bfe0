"""A server that lies, over real TLS: every lie is refused or survived, and soon."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from graphdaemon.errors import NetworkError
from tests.support.connect_proxy import connect_proxy, far_listing
from tests.support.pretend_graph import Lies, PretendGraph, Record, Weather
from tests.support.pretend_graph_server import serving
from tests.support.run_command import Command
from tests.support.scripted_server import Answer, Request, ScriptedServer, page

PEOPLE = 300


def people(number: int = PEOPLE) -> list[Record]:
    names = (f"{at * 7919 % 1000:03d}-{at}" for at in range(number))
    return [{"userPrincipalName": name, "displayName": name} for name in names]


class Listed(NamedTuple):
    """What came of it: exit code, the file's records by ID, the account, requests, seconds."""

    code: int
    written: dict[str, Record] | None
    account: dict[str, Any]
    requests: list[Request]
    seconds: float
    said: str


class Listing(Protocol):
    def __call__(
        self, world: PretendGraph, *arguments: object, spy: ScriptedServer | None = None
    ) -> Listed: ...


@pytest.fixture
def listed(command: Command, tmp_path: Path) -> Listing:
    """List a pretend directory with the command, into a file."""

    def run(world: PretendGraph, *arguments: object, spy: ScriptedServer | None = None) -> Listed:
        output, proof = tmp_path / "users.ndjson", tmp_path / "proof.json"
        world.page_size = 20
        with serving(world) as server:
            if spy is not None:
                world.lies.link = _towards(world.lies.link, spy)
            parameters = server.write_parameters(tmp_path)
            started = time.monotonic()
            done = command(
                *("list", "users", parameters, "-o", output, "--proof", proof, *arguments)
            )
            seconds = time.monotonic() - started
        records = None
        if output.exists():
            lines = [json.loads(line) for line in output.read_bytes().splitlines()]
            records = {record["id"]: record for record in lines}
            assert len(lines) == len(records), "no record twice"
        account = json.loads(proof.read_bytes())
        return Listed(done.code, records, account, server.requests, seconds, done.err)

    return run


def _towards(link: Callable[[str], str] | None, spy: ScriptedServer) -> Callable[[str], str]:
    assert link is not None, "a spy waits for a link"
    return lambda real: link(real).replace("spy.test", f"localhost:{spy.port}")


def assert_bounded(listed: Listed, requests: int) -> None:
    assert len(listed.requests) <= requests
    assert listed.seconds < 20


@pytest.mark.parametrize(
    ("lies", "note"),
    [
        (Lies(ignores=True), "not honoured"),
        (Lies(refuses=(" ge ", " le ")), "were refused"),
        (Lies(withholds=lambda one: one["displayName"] == "000-0"), "were found"),
        (Lies(withholds=lambda one: one["displayName"] > "9"), "in none of the parts"),
        (Lies(withholds=lambda one: one["displayName"] == "000-0", no_count=True), "no count"),
        (Lies(withholds=lambda _: True), "not honoured"),
        (Lies(eager_delta=True), "does not end in a delta link"),
    ],
    ids=[
        *("filter ignored", "filter refused", "one withheld", "many withheld"),
        *("withheld without a count", "all withheld", "delta from the beginning"),
    ],
)
def test_what_is_not_served_in_parts_is_read_in_one_chain(
    listed: Listing, lies: Lies, note: str
) -> None:
    """The file is exact, the account says what was found out, and no listing is read thrice."""
    world = PretendGraph(people(), lies=lies, by_id=True, delta_page=20)

    done = listed(world, "--allow-unproved")

    assert done.written == world.shown()
    assert note in " ".join(done.account["notes"])
    missing = "count" if lies.no_count else "delta" if lies.eager_delta else ""
    assert done.account["missing"] == missing
    assert done.account["verdict"] == ("unproved" if missing else "complete")
    assert_bounded(done, 3 * PEOPLE // 20 + 30)


LINKS: dict[str, Callable[[str], str]] = {
    "another host": lambda link: link.replace("https://graph.test", "https://spy.test"),
    "http": lambda link: link.replace("https:", "http:"),
    "http elsewhere": lambda link: link.replace("https://graph.test", "http://spy.test"),
    "a user name": lambda link: link.replace("https://", "https://graph.test@spy.test/"),
    "a backslash": lambda link: link.replace("https://graph.test", "https://spy.test\\@graph.test"),
    "another tenant": lambda link: link.replace("/v1.0/users", "/v1.0/contoso.example/users"),
    "another version": lambda link: link.replace("/v1.0/", "/beta/"),
    "another collection": lambda link: link.replace("/users", "/groups"),
    "no address": lambda _: "users?$skiptoken=1",
    "a script": lambda _: "javascript:alert(1)",
    "a file": lambda _: "file:///etc/passwd",
    "signs of control": lambda link: f"{link}\r\nHost: spy.test",
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS)
def test_a_next_link_elsewhere_is_refused(
    listed: Listing, scripted: ScriptedServer, link: Callable[[str], str]
) -> None:
    """Exit code 5, no file, and the host it names hears nothing, least of all the token."""
    scripted.script = [Answer(200, b'{"value": []}')]

    done = listed(PretendGraph(people(), lies=Lies(link=link)), spy=scripted)

    assert done.code == 5
    assert done.written is None
    assert done.account["verdict"] == "incomplete"
    assert done.account["why"].startswith("it failed (")
    assert scripted.requests == []
    paths = {one.target.partition("?")[0] for one in done.requests}
    assert paths <= {"/v1.0/users", "/v1.0/users/delta", "/v1.0/users/$count"}
    assert_bounded(done, 30)


def make_circle(length: int) -> Callable[[str], str]:
    """The first links there are, again and again."""
    numbers = count()
    first: list[str] = []

    def turn(link: str) -> str:
        if len(first) < length:
            first.append(link)
        return first[next(numbers) % len(first)]

    return turn


@pytest.mark.parametrize("method", ["auto", "chain"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: lambda link: link.partition("?")[0] + "?$top=999",
        lambda: make_circle(1),
        lambda: make_circle(7),
        lambda: str,
    ],
    ids=["itself", "always the same", "a circle", "ever new, and empty"],
)
def test_a_chain_without_end_is_ended(
    listed: Listing, make: Callable[[], Callable[[str], str]], method: str
) -> None:
    """Ten thousand pages that lead nowhere are not read: a few hundred tell enough."""
    lies = Lies(link=make(), endless=True)
    done = listed(PretendGraph(people(60), lies=lies), "--method", method)

    assert done.code == 5
    assert done.written is None
    assert "(page_malformed)" in done.account["why"]
    # Several ranges may each find it out.
    assert_bounded(done, 150 if method == "chain" else 1500)


def test_some_empty_pages_are_no_lie(listed: Listing) -> None:
    """A page of nothing with a next link is documented, and followed."""
    world = PretendGraph(people(), weather=Weather(empty=0.4, short=0.4), seed=1)

    done = listed(world)

    assert done.code == 0
    assert done.written == world.shown()


@pytest.mark.parametrize("counted", [0, 5, PEOPLE - 20, PEOPLE + 20, 10**6])
def test_a_wrong_count_is_said(listed: Listing, counted: int) -> None:
    """Two readings agree with each other and not with it: nothing is put in place, code 8."""
    world = PretendGraph(people(), lies=Lies(count=lambda _: counted))

    done = listed(world)

    assert done.code == 8
    assert done.written is None
    assert f"Graph counts {counted:,}, and {PEOPLE} were found" in done.account["why"]
    # Where a million are said to be left, parts are divided for as long as there is room.
    assert_bounded(done, 200)


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_a_delta_that_leads_nowhere_proves_nothing(
    listed: Listing, scripted: ScriptedServer, length: int
) -> None:
    """Elsewhere or in a circle: it ends the listing, or proves nothing, and soon."""
    world = PretendGraph(people(), delta_page=1, weather=Weather(change=0.9))
    world.make = lambda _, number: {"displayName": f"M{number}"}
    elsewhere = f"https://localhost:{scripted.port}"
    world.lies.delta_link = (
        make_circle(length)
        if length
        else lambda link: link.replace("https://graph.test", elsewhere)
    )

    done = listed(world)

    assert done.code == (8 if length else 5)
    assert done.written is None
    assert scripted.requests == []
    assert_bounded(done, 200)


def test_records_of_another_directory_are_seen_in_the_count_alone(
    listed: Listing,
) -> None:
    """An ID says nothing of whose it is: what is too much is noticed, and not told apart."""
    world = PretendGraph(people(), by_id=True)
    foreign = PretendGraph(people(100), seed=1).directory

    class Mixed(PretendGraph):
        def _find(self, position: Any) -> Any:
            page, after, more = super()._find(position)
            return page if more else [*page, *foreign.values()], after, more

    mixed = Mixed(world.directory.values(), by_id=True)
    done = listed(mixed)

    assert done.code == 8
    assert "Graph counts 300, and 400 were found" in done.account["why"]


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """A port that speaks no TLS, and what it was told."""
    heard: list[bytes] = []

    def listen() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                heard.append(line.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield listener.getsockname()[1], heard
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "where", ["https://localhost:{tls}", "http://localhost:{plain}", "//127.0.0.1:{tls}", ""]
)
def test_no_redirect_takes_the_token_along(
    command: Command, scripted: ScriptedServer, tmp_path: Path, status: int, where: str
) -> None:
    """Graph's answers are never redirects: one is an error, wherever it leads."""
    with ScriptedServer() as spy, listening() as (plain, heard):
        spy.script = [Answer(200, b'{"value": []}')]
        location = where.format(tls=spy.port, plain=plain) + "/v1.0/users?again"
        scripted.script = [Answer(status, headers={"Location": location})]

        done = command("list", "users", scripted.write_parameters(tmp_path))

        assert (spy.requests, spy.token_requests, heard) == ([], [], [])
    assert done.code == 5
    assert str(status) in done.err
    assert not [one for one in scripted.requests if one.target.endswith("?again")]


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "307 Temporary Redirect"])
def test_a_proxy_never_sees_the_token(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """It is asked for a line to the host, and all that goes over that is encrypted."""
    scripted.script = [page({"id": "1"})]
    with connect_proxy(scripted.port, status) as (address, heads):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with suppress(NetworkError):
            far_listing(scripted)

    assert scripted.requests if status == "200 OK" else not scripted.requests
    assert {head.split()[0] for head in heads} == {"CONNECT"}
    assert not [head for head in heads if "bearer" in head.lower() or "token-" in head]
