"""The library over real sockets: every way to read, leaving in the middle, and slow readers."""

from __future__ import annotations

import asyncio
import gc
import json
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from graphdaemon.client.blocking_client import BlockingClient
from graphdaemon.client.client import Client
from graphdaemon.errors import Error
from graphdaemon.graph.query import Query
from graphdaemon.http.response import Response
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.record import ListingRecord
from graphdaemon.settings.read import read_settings
from tests.support.pretend_graph import PretendGraph, Record
from tests.support.pretend_graph_server import serving
from tests.support.scripted_server import ScriptedServer

OPTIONS = ListingOptions(learn=False)
CHAIN = ListingOptions(method="chain", learn=False)


def make_world(number: int = 300, kind: type[PretendGraph] = PretendGraph) -> PretendGraph:
    world = kind([{"userPrincipalName": f"{at * 7919 % 9973:04d}-{at}"} for at in range(number)])
    world.page_size = 20
    return world


def make_client(server: ScriptedServer) -> Client:
    return Client(read_settings(None, {}, server.settings()))


# Every way to read.


async def read_records(client: Client) -> list[Record]:
    return [record async for record in client.list("users", options=OPTIONS)]


async def read_pages(client: Client) -> list[Record]:
    pages = client.pages("users", options=OPTIONS)
    return [json.loads(bytes(one)) async for page in pages for one in page.records]


async def collect(client: Client) -> list[Record]:
    records: list[msgspec.Raw] = []
    record = await client.collect("users", Query(), write=records.extend, options=OPTIONS)
    assert record.verdict == "complete"
    return [json.loads(bytes(one)) for one in records]


def read_blocking(client: Client) -> list[Record]:
    return list(BlockingClient(client).list("users", options=OPTIONS))


def read_pages_blocking(client: Client) -> list[Record]:
    pages = BlockingClient(client).pages("users", options=OPTIONS)
    return [json.loads(bytes(one)) for page in pages for one in page.records]


def collect_blocking(client: Client) -> list[Record]:
    records: list[msgspec.Raw] = []
    record = BlockingClient(client).collect("users", Query(), write=records.extend, options=OPTIONS)
    assert record.verdict == "complete"
    return [json.loads(bytes(one)) for one in records]


@pytest.mark.parametrize(
    "read",
    [
        lambda client: asyncio.run(read_records(client)),
        lambda client: asyncio.run(read_pages(client)),
        lambda client: asyncio.run(collect(client)),
        *(read_blocking, read_pages_blocking, collect_blocking),
    ],
    ids=[
        "records",
        "pages",
        "collect",
        *(f"blocking {one}" for one in ("records", "pages", "all")),
    ],
)
def test_every_way_to_read_gives_every_record_once(read: Callable[[Client], list[Record]]) -> None:
    """Async or not, one by one or in pages, decoded or as bytes."""
    world = make_world()
    with serving(world) as server:
        client = make_client(server)
        records = read(client)
        client.close()

    assert len(records) == len(world.directory)
    assert {record["id"]: record for record in records} == world.shown()


# Leaving in the middle.


def _find_leftovers(server: ScriptedServer, others: set[threading.Thread]) -> list[str]:
    """Sockets to the server, and threads of the transport that are not from other tests."""
    threads = set(threading.enumerate()) - others
    ours = [thread.name for thread in threads if thread.name == "graphdaemon"]
    return ours + [line for line in _connections() if line.endswith(f":{server.port:04X}")]


def _connections() -> Iterator[str]:
    """This process's TCP connections that are open, by their far ends."""
    mine = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            mine.add(str(descriptor.readlink()))
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, _, far, state, *_, inode = line.split()[:10]
        if f"socket:[{inode}]" in mine and state == "01":
            yield far


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files of this process are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@contextmanager
def leaving_nothing(server: ScriptedServer, scratch: Path) -> Iterator[None]:
    """Whatever was opened meanwhile is closed within a minute, and no file is left."""
    files, threads = set(scratch.rglob("*")), set(threading.enumerate())
    yield
    end = time.monotonic() + 60
    while (left := _find_leftovers(server, threads)) and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    assert left == []
    assert set(scratch.rglob("*")) == files


async def until_alone() -> None:
    """Until no task is left but the test's own."""
    for _ in range(5000):
        gc.collect()
        if len(asyncio.all_tasks()) == 1:
            return
        await asyncio.sleep(0.01)
    raise AssertionError([task.get_coro() for task in asyncio.all_tasks()])


async def leave_and_close(client: Client) -> None:
    async with aclosing(client.list("users", options=OPTIONS)) as users:
        async for _ in users:
            break


async def leave_alone(client: Client) -> None:
    async for _ in client.list("users", options=OPTIONS):
        break


async def fail(client: Client) -> None:
    def write(_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await client.collect("users", Query(), write=write, options=OPTIONS)


async def be_cancelled(client: Client) -> None:
    task = asyncio.create_task(read_records(client))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def run_out_of_time(client: Client) -> None:
    options = OPTIONS._replace(seconds=0.25)
    with pytest.raises(Error) as caught:
        async for _ in client.list("users", options=options):
            pass
    assert caught.value.code == "listing_overdue"
    assert isinstance(caught.value.listing, ListingRecord)
    assert caught.value.listing.why == "it failed (listing_overdue)"


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="there is no other list of sockets")
@pytest.mark.parametrize(
    "leave",
    [leave_and_close, leave_alone, fail, be_cancelled, run_out_of_time],
    ids=lambda leave: leave.__name__,
)
def test_nothing_is_left_of_a_listing_that_ends_early(
    leave: Callable[[Client], Awaitable[None]], scratch: Path
) -> None:
    """No task, no thread at work, no open socket, no temporary file."""

    async def begin_and_leave(server: ScriptedServer) -> None:
        async with make_client(server) as client:
            await leave(client)
            await until_alone()

    with serving(make_world(1000), latency=0.1) as server, leaving_nothing(server, scratch):
        asyncio.run(begin_and_leave(server))


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="there is no other list of sockets")
@pytest.mark.parametrize("closes", [True, False])
def test_nothing_is_left_of_a_blocking_listing_that_ends_early(closes: bool, scratch: Path) -> None:
    """A loop that is left by `break` ends the fetching, closed by name or not."""
    with serving(make_world(1000), latency=0.1) as server, leaving_nothing(server, scratch):
        client = make_client(server)
        users = BlockingClient(client).list("users", options=OPTIONS)
        for _ in users:
            break
        if closes:
            users.close()
        del users
        gc.collect()
        # The whole listing takes sixty requests.
        assert until_quiet(server) < 50
        client.close()


def test_the_first_failure_ends_the_others() -> None:
    """What was asked at the same time is not left to itself."""

    class Refusing(PretendGraph):
        def answer(self, method: str, url: str, *rest: Any) -> Any:
            if "%20ge%20" in url:
                return super().answer(method, url.replace("/users", "/nobody"), *rest)
            return super().answer(method, url, *rest)

    async def list_them(client: Client) -> None:
        with pytest.raises(Error):
            await read_records(client)
        assert len(asyncio.all_tasks()) == 1

    with serving(make_world(kind=Refusing), latency=0.01) as server:
        client = make_client(server)
        asyncio.run(list_them(client))
        client.close()


# Slow readers.


@pytest.mark.parametrize("options", [OPTIONS, CHAIN], ids=["ranges", "chain"])
def test_a_reader_that_sleeps_is_not_run_away_from(options: ListingOptions) -> None:
    """Some pages wait for it, and no more are asked for until it takes them."""
    ahead = []

    async def read_slowly(server: ScriptedServer) -> None:
        async with make_client(server) as client:
            taken = 0
            async with aclosing(client.pages("users", options=options)) as pages:
                async for page in pages:
                    taken += len(page.records)
                    await asyncio.sleep(0.15)
                    ahead.append(len(server.requests) - taken // 20)
                    if taken > 200:
                        break

    with serving(make_world(4000)) as server:
        asyncio.run(read_slowly(server))

    # 32 wait, each of 32 chains holds one more; the rest is what divides the listing.
    assert max(ahead) <= 32 + (1 if options is CHAIN else 32) + 16


def test_a_blocking_reader_that_sleeps_is_not_run_away_from() -> None:
    """The fetching goes on in a thread of its own, and stops there too."""
    with serving(make_world(2000)) as server:
        client = make_client(server)
        pages = BlockingClient(client).pages("users", options=CHAIN)
        next(pages)
        requests = until_quiet(server)
        pages.close()
        client.close()

    # Of a hundred pages, 32 wait and one more was asked for.
    assert requests <= 40


def until_quiet(server: ScriptedServer) -> int:
    """Wait until nothing was asked for a while; return how many requests there were."""
    requests = -1
    while len(server.requests) > requests:
        requests = len(server.requests)
        time.sleep(0.4)
    return requests


class Forgetful(PretendGraph):
    """Page links live for a fifth of a second; each page has such a link once."""

    def __post_init__(self) -> None:
        self.born: list[float] = []
        self.refused: set[tuple[str, int]] = set()
        super().__post_init__()

    def _serve_list(self, options: dict[str, str]) -> Response:
        self.weather.expired = 0
        if (at := int(options.get("$skiptoken", -1))) >= 0:
            position = self._positions[at]
            place = (position.condition, position.page)
            # On a machine that is slower than this, too, each new beginning gets further.
            if time.monotonic() - self.born[at] > 0.2 and place not in self.refused:
                self.refused.add(place)
                self.weather.expired = 1
        answer = super()._serve_list(options)
        self.born += [time.monotonic()] * (len(self._positions) - len(self.born))
        return answer


@pytest.mark.parametrize("options", [OPTIONS, CHAIN], ids=["ranges", "chain"])
def test_links_that_expire_while_a_reader_sleeps_are_begun_anew(options: ListingOptions) -> None:
    """As often as it takes, as long as each time it gets further."""
    world = make_world(1000, Forgetful)
    records: list[Record] = []

    async def read_slowly(server: ScriptedServer) -> None:
        async with make_client(server) as client:
            async for page in client.pages("users", options=options):
                records.extend(json.loads(bytes(one)) for one in page.records)
                await asyncio.sleep(0.05)

    with serving(world) as server:
        asyncio.run(read_slowly(server))

    assert len(records) == 1000
    assert {record["id"]: record for record in records} == world.shown()
