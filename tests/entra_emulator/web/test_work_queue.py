import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Scope

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.steps import Steps
from entra_emulator.faults.throttle import Throttle
from entra_emulator.server.app import create_app
from entra_emulator.tokens.signing import KeyRing
from entra_emulator.web.work_queue import READERS, WorkQueue
from tests.support.asgi_line import Line, running_loop
from tests.support.emulator_probe import Answer

SEARCH = " OR ".join(f'"displayName:nobody{n}"' for n in range(40))
# Each of these may read a whole directory, or follow links through a large part of it.
LONG = (
    f"/users?$search={SEARCH}",
    "/users?$filter=startswith(city,'x') or startswith(country,'x')&$count=true",
    "/users/$count?$filter=endsWith(mail,'x')",
    "/users?$expand=memberOf",
    "/users/delta",
    "/groups/{group}/members?$filter=startswith(displayName,'x')&$count=true",
    "/groups/{group}/members?$orderby=displayName&$count=true",
    "/groups/{group}/members/$count",
    "/groups/{group}/transitiveMembers",
    "/groups/{group}?$expand=members",
    "/groups(uniqueName='x')",
    "/oauth2PermissionGrants",
    "/users/{user}/manager",
)
SHORT = ("/users?$top=5", "/users/{user}", "/users/$count", "/$metadata")


@dataclass(frozen=True)
class Office:
    """A directory, a caller who may read all of it, and threads that send requests."""

    line: Line
    token_path: bytes
    token_form: bytes
    senders: ThreadPoolExecutor
    keys: dict[str, str]

    def get_token(self) -> Answer:
        return self.line.send("POST", self.token_path, body=self.token_form)

    def get(self, address: str, token: str) -> Answer:
        path, _, query = address.format_map(self.keys).partition("?")
        headers = [
            (b"authorization", f"Bearer {token}".encode()),
            (b"consistencylevel", b"eventual"),
        ]
        if "$expand" in query:
            del headers[1]
        return self.line.send(
            "GET",
            b"/v1.0" + quote(path, safe="/$").encode(),
            query=quote(query, safe="$=&").encode(),
            headers=headers,
        )

    def hold_readers(self, until: threading.Event) -> list["Future[None]"]:
        """Keep every thread that reads busy until then; they are busy on return."""
        work: WorkQueue = self.line.app.state.context.work  # type: ignore[attr-defined]
        started = [threading.Event() for _ in range(READERS)]
        held = [
            asyncio.run_coroutine_threadsafe(
                work.read(wait_for(until, event), is_never), self.line.loop
            )
            for event in started
        ]
        assert all(event.wait(timeout=60) for event in started)
        return held


def wait_for(until: threading.Event, started: threading.Event) -> Steps[None]:
    started.set()
    assert until.wait(timeout=60)
    yield from ()


async def is_never() -> bool:
    return False


@pytest.fixture
def office(keys: Path, tmp_path: Path) -> Iterator[Office]:
    # In a file, because all share one connection to a database in memory.
    directory = Directory(tmp_path / "directory.sqlite", clock=Clock())
    tenant = seed_directory(directory, users=30, groups=4, devices=2)
    made = directory.applications.register(tenant, "Reader")
    for role in ("Directory.Read.All", "User.Read.All", "Group.Read.All"):
        directory.applications.add_application_permission(tenant, made.app_id, role)
    directory.consents.grant_admin_consent(tenant, made.app_id)
    form = {
        "grant_type": "client_credentials",
        "client_id": made.app_id,
        "client_secret": directory.credentials.add_password(tenant, made.app_id).secret_text,
        "scope": "https://graph.microsoft.com/.default",
    }
    ids = {
        kind: json.loads(next(directory.collections.scan(tenant, kind))[1])["id"]
        for kind in ("user", "group")
    }
    throttle = Throttle(directory.clock, enabled=False)
    app = create_app(directory, KeyRing(keys, directory.clock), throttle=throttle)
    path = f"/{tenant.id}/oauth2/v2.0/token".encode()
    with running_loop() as loop, ThreadPoolExecutor(100) as senders:
        yield Office(Line(app, loop), path, urlencode(form).encode(), senders, ids)
    app.state.context.issuers.close()
    directory.close()


def test_a_token_and_short_reads_are_answered_while_sixty_searches_wait(office: Office) -> None:
    token, until = office.get_token().json()["access_token"], threading.Event()
    held = office.hold_readers(until)
    try:
        searches = [office.senders.submit(office.get, LONG[0], token) for _ in range(60)]
        assert office.get_token().status == 200
        assert {office.get(address, token).status for address in SHORT} == {200}
        assert not any(search.done() for search in searches)
    finally:
        until.set()

    assert {search.result(timeout=60).status for search in searches} == {200}
    assert [one.result(timeout=60) for one in held] == [None] * READERS


@pytest.mark.parametrize("address", LONG)
def test_whatever_may_read_much_waits_for_a_reader(office: Office, address: str) -> None:
    token, until = office.get_token().json()["access_token"], threading.Event()
    held = office.hold_readers(until)
    try:
        request = office.senders.submit(office.get, address, token)
        # The loop answers in order: what needed no reader would be answered before these.
        for short in SHORT:
            assert office.get(short, token).status == 200
        assert not request.done()
    finally:
        until.set()

    assert request.result(timeout=60).status in {200, 404}
    assert [one.result(timeout=60) for one in held] == [None] * READERS


def test_a_short_read_waits_for_one_step_of_each_long_one() -> None:
    ended: list[str] = []

    def work(name: str, steps: int) -> Steps[None]:
        for _ in range(steps):
            yield
        ended.append(name)

    async def run() -> None:
        queue = WorkQueue()
        long = [asyncio.ensure_future(queue.read(work("long", 50), is_never)) for _ in range(9)]
        await asyncio.sleep(0)
        await queue.read(work("short", 0), is_never)
        await asyncio.gather(*long)

    asyncio.run(run())

    assert ended == ["short", *["long"] * 9]


def test_work_that_nobody_waits_for_is_not_done_to_its_end() -> None:
    steps_taken = 0

    def work() -> Steps[None]:
        nonlocal steps_taken
        for _ in range(10):
            steps_taken += 1
            yield

    async def is_gone() -> bool:
        return steps_taken == 3

    with pytest.raises(ClientDisconnect):
        asyncio.run(WorkQueue().read(work(), is_gone))

    assert steps_taken == 3


def test_pages_and_writes_are_made_in_threads_of_their_own() -> None:
    async def run() -> tuple[int, int]:
        queue = WorkQueue()
        return await queue.write(threading.get_ident), await queue.make_page(threading.get_ident)

    assert threading.get_ident() not in asyncio.run(run())


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("POST", "/v1.0/directoryObjects/getByIds", b""),
        ("GET", "/v1.0/users", b"$search=%22displayName:x%22"),
    ],
)
def test_a_client_that_hangs_up_is_no_failure_of_the_emulators(
    office: Office, method: str, path: str, query: bytes
) -> None:
    token, sent = office.get_token().json()["access_token"], list[Message]()
    scope: Scope = {
        "type": "http",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [
            (b"authorization", f"Bearer {token}".encode()),
            (b"consistencylevel", b"eventual"),
            (b"host", b"localhost"),
        ],
        "client": ("127.0.0.1", 1),
        "http_version": "1.1",
    }

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await office.line.app(scope, receive, send)

    asyncio.run_coroutine_threadsafe(run(), office.line.loop).result(timeout=60)
    # It is an answer that nobody gets; a failure would have been raised here.
    assert sent[0]["status"] == 400
