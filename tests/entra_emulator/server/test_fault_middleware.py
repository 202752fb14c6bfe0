import gzip
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from entra_emulator.clock import Clock
from entra_emulator.errors import deny
from entra_emulator.faults.fault import EFFECTS, KINDS, STATUSES, Fault
from entra_emulator.faults.schedule import Faults
from tests.support.emulator_probe import Answer, App, Probe, register, running
from tests.support.places import ROOT

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def weak(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An application whose emulator the tests make fail; its clock stands still."""
    data, clock = tmp_path_factory.mktemp("weak"), Clock(at=1_800_000_000)
    with running(keys, data, users=30, clock=clock, throttle=False, control=True) as probe:
        yield register(probe, "User.ReadWrite.All", "Group.ReadWrite.All")


@pytest.fixture(scope="module")
def token(weak: App) -> str:
    return weak.token()


@pytest.fixture
def faults(weak: App) -> Iterator[Faults]:
    faults = weak.probe.emulator.faults
    yield faults
    faults.clear()


def get(app: App, token: str, path: str = "/v1.0/users", **headers: str) -> Answer:
    return app.get(path, token, **headers)


def draft(name: str) -> bytes:
    group = {"mailEnabled": False, "mailNickname": name, "securityEnabled": True}
    return json.dumps(group | {"displayName": name}).encode()


def write(app: App, token: str, name: str) -> Answer:
    headers = {"Authorization": f"Bearer {token}"} | JSON
    return app.probe.send("POST", "/v1.0/groups", headers=headers, body=draft(name))


def has_group(app: App, name: str) -> bool:
    directory, tenant = app.probe.emulator.directory, app.probe.emulator.tenant
    return any(
        json.loads(doc)["displayName"] == name
        for _, doc in directory.collections.scan(tenant, "group")
    )


class Wire:
    """A TLS connection of one's own, whose end shows: TLS libraries hide a reset."""

    def __init__(self, app: App) -> None:
        probe = app.probe
        parts = urlsplit(probe.emulator.url)
        context = ssl.create_default_context(cafile=str(probe.emulator.ca_file))
        self.host = parts.netloc
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=parts.hostname)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._socket.sendall(self._out.read())
                self._in.write(self._socket.recv(65_536))
            else:
                break

    def ask(
        self, token: str, target: str = "GET /v1.0/users", body: bytes = b"", *headers: str
    ) -> None:
        lines = [f"{target} HTTP/1.1", f"Host: {self.host}", f"Authorization: Bearer {token}"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
        self._tls.write("\r\n".join([*lines, "", ""]).encode() + body)
        self._socket.sendall(self._out.read())

    def read_all(self) -> tuple[bytes, str]:
        """Everything until the end, and how it ended."""
        received = b""
        with self._socket:
            while True:
                try:
                    text = self._tls.read(65_536)
                except ssl.SSLWantReadError:
                    try:
                        data = self._socket.recv(65_536)
                    except ConnectionResetError:
                        return received, "reset"
                    if not data:
                        return received, "cut off"
                    self._in.write(data)
                else:
                    received += text
                    if not text:
                        return received, "closed"


@pytest.mark.parametrize("status", STATUSES)
def test_statuses(weak: App, token: str, faults: Faults, status: int) -> None:
    """Graph can fail with each status that clients must survive, in Graph's own form, once."""
    faults.fail_next(1, Fault(kind="status", status=status))
    answers = [get(weak, token), get(weak, token)]

    error = answers[0].json()["error"]
    row = deny("throttled" if status == 429 else f"broken_{status}")
    assert [answer.status for answer in answers] == [status, 200]
    assert (error["code"], error["message"]) == (row.code, row.message)
    assert error["innerError"]["request-id"] == answers[0].headers["request-id"]
    assert "retry-after" not in answers[0].headers


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(weak: App, token: str, faults: Faults, status: int) -> None:
    """A failure can say how long to wait, as a whole number of seconds."""
    faults.fail_next(1, Fault(kind="status", status=status, retry_after=7))

    assert get(weak, token).headers["retry-after"] == "7"


def test_other_codes(weak: App, token: str, faults: Faults) -> None:
    """A failure can have another of Graph's codes."""
    faults.fail_next(1, Fault(kind="status", status=503, error="Directory_ReplicaUnavailable"))

    assert get(weak, token).code == "Directory_ReplicaUnavailable"


def test_front_door(weak: App, token: str, faults: Faults) -> None:
    """A failure can be a front door's page."""
    faults.fail_next(1, Fault(kind="status", status=502, html=True))
    answer = get(weak, token)

    assert answer.status == 502
    assert answer.headers["content-type"].startswith("text/html")


def test_after_the_write(weak: App, token: str, faults: Faults) -> None:
    """A write that is answered 504 may have been done, and may not."""
    faults.fail_next(1, Fault(kind="status", status=504, after=True), route="POST /groups")
    faults.fail_next(1, Fault(kind="status", status=504), route="POST /groups")
    answers = [write(weak, token, name) for name in ("Done", "Undone")]

    assert [answer.status for answer in answers] == [504, 504]
    assert [has_group(weak, name) for name in ("Done", "Undone")] == [True, False]


def test_reset_before(weak: App, token: str, faults: Faults) -> None:
    """A connection can be reset before anything is answered; the request was not carried out."""
    faults.fail_next(1, Fault(kind="reset"))
    wire = Wire(weak)
    wire.ask(token, "POST /v1.0/groups", draft("Lost"))

    assert wire.read_all() == (b"", "reset")
    assert not has_group(weak, "Lost")


def test_reset_after_the_write(weak: App, token: str, faults: Faults) -> None:
    """A connection can be reset without an answer though the request was carried out."""
    faults.fail_next(1, Fault(kind="reset", after=True), route="POST /groups")
    wire = Wire(weak)
    wire.ask(token, "POST /v1.0/groups", draft("Kept"))

    assert wire.read_all() == (b"", "reset")
    assert has_group(weak, "Kept")


def test_reset_during(weak: App, token: str, faults: Faults) -> None:
    """A connection can be reset in the middle of a body."""
    whole = get(weak, token).body
    faults.fail_next(1, Fault(kind="reset", when="during"))
    wire = Wire(weak)
    wire.ask(token)
    received, end = wire.read_all()

    head, _, body = received.partition(b"\r\n\r\n")
    assert end == "reset"
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert len(body.partition(b"\r\n")[2].removesuffix(b"\r\n")) == len(whole) // 2
    assert not body.endswith(b"0\r\n\r\n")


def test_reset_after(weak: App, token: str, faults: Faults) -> None:
    """A connection can be reset after a whole answer, which its next request then meets."""
    faults.fail_next(1, Fault(kind="reset", when="after"))
    wire = Wire(weak)
    wire.ask(token)
    received, end = wire.read_all()

    assert end == "reset"
    assert received.endswith(b"0\r\n\r\n")


def test_reset_of_many(weak: App, token: str, faults: Faults) -> None:
    """A client of the standard library sees a broken connection, and the server lives on."""
    faults.fail_next(20, Fault(kind="reset", when="during"))
    failures: list[Exception] = []
    for _ in range(20):
        weak.probe.close()
        try:
            get(weak, token)
        except (OSError, http.client.HTTPException) as error:
            failures.append(error)

    assert len(failures) == 20
    assert get(weak, token).status == 200


def test_truncated(weak: App, token: str, faults: Faults) -> None:
    """Half a body can come in whole HTTP, plain or compressed."""
    whole = get(weak, token).body
    faults.fail_next(2, Fault(kind="truncated"))
    plain = get(weak, token).body
    packed = gzip.decompress(get(weak, token, Accept_Encoding="gzip").body)

    assert plain == packed == whole[: len(whole) // 2]
    assert get(weak, token).body == whole


def test_too_short(weak: App, token: str, faults: Faults) -> None:
    """A body can end before the length that was promised."""
    whole = get(weak, token).body
    faults.fail_next(1, Fault(kind="truncated", framing="length"))

    with pytest.raises(http.client.IncompleteRead) as failure:
        get(weak, token)
    assert failure.value.partial == whole[: len(whole) // 2]
    assert failure.value.expected == len(whole) - len(whole) // 2


@pytest.mark.parametrize("path", ["/v1.0/users", "/v1.0/users/$count"])
def test_malformed(weak: App, token: str, faults: Faults, path: str) -> None:
    """A body of the right length can be no JSON."""
    headers = {"ConsistencyLevel": "eventual"}
    whole = get(weak, token, path, **headers).body
    faults.fail_next(1, Fault(kind="malformed"))
    broken = get(weak, token, path, **headers)

    assert (broken.status, len(broken.body)) == (200, len(whole))
    with pytest.raises(json.JSONDecodeError):
        broken.json()


def test_drip(weak: App, token: str, faults: Faults) -> None:
    """A body can come slowly, and is whole all the same."""
    path = "/v1.0/users?$select=id&$top=1"
    whole = get(weak, token, path).body
    faults.fail_next(1, Fault(kind="drip", rate=len(whole) * 10))
    wire = Wire(weak)
    wire.ask(token, f"GET {path}", b"", "Connection: close")
    begun = time.monotonic()
    received, end = wire.read_all()

    chunks = [part for part in received.partition(b"\r\n\r\n")[2].split(b"\r\n")[1::2] if part]
    assert end == "closed"
    assert len(b"".join(chunks)) == len(whole)
    assert len(chunks) >= 2
    assert time.monotonic() - begun >= 0.05


def test_latency(weak: App, token: str, faults: Faults) -> None:
    """A request can be kept waiting, by the machine's clock, and others go on meanwhile."""
    faults.fail_next(1, Fault(kind="latency", delay=1), route="GET /groups")
    slow: list[float] = []

    def wait() -> None:
        probe = Probe(weak.probe.emulator)
        begun = time.monotonic()
        probe.get("/v1.0/groups", Authorization=f"Bearer {token}")
        slow.append(time.monotonic() - begun)
        probe.close()

    thread = threading.Thread(target=wait)
    thread.start()
    while faults.plans():
        time.sleep(0)
    begun = time.monotonic()
    assert get(weak, token).status == 200
    quick = time.monotonic() - begun
    thread.join()

    assert slow[0] >= 1 > quick


def test_jitter() -> None:
    """Latency varies by its jitter, the same for the same seed."""

    def draw(seed: int) -> list[float | None]:
        faults = Faults(Clock(at=0))
        faults.fail_for(None, Fault(kind="latency", delay=1, jitter=0.5), seed=seed)
        return [faults.draw("GET", "/v1.0/users")[0].delay for _ in range(50)]

    drawn = draw(1)

    assert drawn == draw(1) != draw(2)
    assert all(delay is not None and 1 <= delay <= 1.5 for delay in drawn)
    assert len(set(drawn)) > 40


def test_page_token(weak: App, token: str, faults: Faults) -> None:
    """The next page can be too late, whatever else is asked in between."""
    faults.fail_next(1, Fault(kind="page_token"))
    first = get(weak, token, "/v1.0/users?$top=10").json()
    link = first["@odata.nextLink"]
    answers = [get(weak, token, link), get(weak, token, link)]

    assert [answer.status for answer in answers] == [400, 200]
    assert answers[0].code == "Directory_ExpiredPageToken"


@pytest.mark.parametrize(("kind", "most"), [("empty_page", 0), ("short_page", 3)])
def test_pages(weak: App, token: str, faults: Faults, kind: str, most: int) -> None:
    """A page can be empty or short with another behind it, and nobody is lost."""
    target = "/v1.0/users?$top=10"
    everybody = walk(weak, token, target)
    faults.fail_next(2, Fault(kind=kind))
    pages = walk(weak, token, target)

    assert [len(page) for page in pages[:2]] == [most, most]
    assert sum(pages, []) == sum(everybody, [])  # noqa: RUF017 - three pages


def walk(app: App, token: str, target: str | None) -> list[list[str]]:
    pages = []
    while target is not None:
        page = get(app, token, target).json()
        pages.append([user["id"] for user in page["value"]])
        target = page.get("@odata.nextLink")
    return pages


def test_stale(weak: App, token: str, faults: Faults) -> None:
    """A replica can lag behind what was written."""
    write(weak, token, "Fresh")
    faults.fail_next(1, Fault(kind="stale", lag=30), route="GET /groups")

    def shows() -> bool:
        page = get(weak, token, "/v1.0/groups?$top=999").json()
        return any(group["displayName"] == "Fresh" for group in page["value"])

    assert [shows(), shows()] == [False, True]


def test_delta(weak: App, token: str, faults: Faults) -> None:
    """A delta link can be reset, and a round repeated, only where there is one."""
    first = get(weak, token, "/v1.0/users/delta?$deltatoken=latest").json()
    faults.fail_next(1, Fault(kind="delta_reset"))
    faults.fail_next(1, Fault(kind="delta_repeat"))
    assert get(weak, token).status == 200
    repeated = get(weak, token, "/v1.0/users/delta?$select=id").json()["value"]
    gone = get(weak, token, first["@odata.deltaLink"])

    assert repeated[::2] == repeated[1::2]
    assert gone.status == 410
    assert gone.headers["location"].endswith("$deltatoken=")
    assert faults.plans() == []


def test_routes(faults: Faults) -> None:
    """A plan meets its route and method, in both versions, whatever the case of letters."""
    faults = Faults(Clock(at=0))
    faults.fail_for(None, Fault(kind="status"), route="GET /Users/*/memberof")
    faults.fail_for(None, Fault(kind="status"), route="/v1.0/groups*")
    asked = [
        ("GET", "/v1.0/users/1/memberOf"),
        ("GET", "/beta/users/1/memberOf"),
        ("POST", "/v1.0/users/1/memberOf"),
        ("GET", "/v1.0/users/1/memberOf/2"),
        ("DELETE", "/v1.0/groups/1"),
        ("DELETE", "/beta/groups/1"),
        ("GET", "/t/oauth2/v2.0/token"),
    ]

    found = [bool(faults.draw(method, path)) for method, path in asked]
    assert found == [True, True, False, False, True, False, False]


def test_whose(weak: App, token: str, faults: Faults) -> None:
    """Graph's faults are not the token service's, unless the route of a connection says so."""
    faults.fail_next(1, Fault(kind="status"))
    faults.fail_next(1, Fault(kind="truncated"), route="POST */oauth2/*token")

    assert get(weak, token).status == 503
    broken = weak.probe.post(weak.token_path, weak.form())
    with pytest.raises(json.JSONDecodeError):
        broken.json()
    assert weak.token()


def test_together(weak: App, token: str, faults: Faults) -> None:
    """What delays and ages comes beside what fails; of failures the oldest plan decides."""
    faults.fail_for(None, Fault(kind="latency", delay=0.001))
    faults.fail_for(None, Fault(kind="status", status=500))
    faults.fail_for(None, Fault(kind="status", status=502))
    faults.fail_for(None, Fault(kind="stale", lag=5))

    assert get(weak, token).status == 500
    drawn = faults.draw("GET", "/v1.0/users")
    assert [fault.kind for fault in drawn] == ["latency", "status", "stale"]


def test_chance(weak: App, token: str, faults: Faults) -> None:
    """A chance with a seed fails the same requests each time."""

    def draw() -> list[int]:
        faults.clear()
        faults.fail_for(None, Fault(kind="status"), chance=0.3, seed=7)
        return [get(weak, token).status for _ in range(20)]

    drawn = draw()

    assert drawn == draw()
    assert set(drawn) == {200, 503}


def test_batch(weak: App, token: str, faults: Faults) -> None:
    """Requests in a batch fail one by one; a connection that breaks is a status there."""
    faults.fail_next(1, Fault(kind="status", status=429, retry_after=3), route="GET /users")
    faults.fail_next(1, Fault(kind="reset"), route="GET /groups")
    faults.fail_next(1, Fault(kind="drip"), route="POST /groups")
    requests: list[dict[str, Any]] = [
        {"id": "1", "method": "GET", "url": "/users"},
        {"id": "2", "method": "GET", "url": "/groups"},
        {
            "id": "3",
            "method": "POST",
            "url": "/groups",
            "headers": JSON,
            "body": json.loads(draft("Batched")),
        },
        {
            "id": "4",
            "method": "GET",
            "url": "/users?$top=1",
            "headers": {"Accept-Encoding": "gzip"},
        },
    ]
    answer = weak.probe.send(
        "POST",
        "/v1.0/$batch",
        headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"} | JSON,
        body=json.dumps({"requests": requests}).encode(),
    )

    answers = json.loads(gzip.decompress(answer.body))["responses"]
    found = {one["id"]: one for one in answers}
    assert answer.status == 200
    assert {key: one["status"] for key, one in found.items()} == {
        "1": 429,
        "2": 503,
        "3": 504,
        "4": 200,
    }
    assert found["1"]["headers"]["Retry-After"] == "3"
    assert has_group(weak, "Batched")


def test_effects_are_honoured() -> None:
    """Every effect that can be ordered is one that some reader looks for."""
    folder = ROOT / "src" / "entra_emulator" / "graph"
    text = "".join(path.read_text() for path in folder.rglob("*.py"))

    assert all(f'"{effect}" in call.effects' in text for effect in EFFECTS)


def test_all_is_well_again(weak: App, token: str, faults: Faults) -> None:
    """Once called off, nothing fails any more."""
    for kind in KINDS:
        faults.fail_for(None, Fault(kind=kind), route="*")
    faults.clear()

    assert {get(weak, token).status for _ in range(3)} == {200}
    assert weak.token()


def test_framing(weak: App, token: str) -> None:
    """Answers come in chunks without a length, compressed for who takes gzip."""
    plain = get(weak, token)
    packed = [get(weak, token, Accept_Encoding=kind) for kind in ("gzip, deflate", "br;q=1, gzip")]
    refused = [get(weak, token, Accept_Encoding=kind) for kind in ("br", "gzip;q=0", "identity")]
    error = get(weak, token, "/v1.0/nothing", Accept_Encoding="gzip")

    assert plain.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in plain.headers
    assert {answer.headers["content-encoding"] for answer in [*packed, error]} == {"gzip"}
    assert {gzip.decompress(answer.body) for answer in packed} == {plain.body}
    assert {answer.body for answer in refused} == {plain.body}
    assert json.loads(gzip.decompress(error.body))["error"]["code"] == "BadRequest"
    assert error.headers["transfer-encoding"] == "chunked"


def test_nothing(weak: App, token: str) -> None:
    """204 has no body, and says nothing about one."""
    group = write(weak, token, "Short").json()["id"]
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
    answer = weak.probe.send("DELETE", f"/v1.0/groups/{group}", headers=headers)

    absent = {"content-type", "content-encoding", "odata-version", "vary", "transfer-encoding"}
    assert (answer.status, answer.body) == (204, b"")
    assert absent.isdisjoint(answer.headers)
    assert answer.headers["x-ms-resource-unit"] == "1"
