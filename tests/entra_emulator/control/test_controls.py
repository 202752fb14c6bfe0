import json
import re
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import pytest

from entra_emulator.clock import Clock
from entra_emulator.content.seed import seed_directory
from entra_emulator.control.controls import CONTROLS
from entra_emulator.directory.directory import Directory
from entra_emulator.directory.tables import CLEARED, TABLES
from entra_emulator.token_service.managed_identity import IMDS_PATH
from tests.support.control_api import JSON, control, post
from tests.support.emulator_probe import App, Probe, register, running


@pytest.fixture(scope="module")
def controlled(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    data = tmp_path_factory.mktemp("controlled")
    with running(keys, data, users=5, control=True) as probe:
        yield probe


@pytest.fixture(autouse=True)
def tidy(controlled: Probe) -> Iterator[None]:
    yield
    controlled.emulator.clock.resume()
    controlled.emulator.faults.clear()
    for snapshot in (controlled.emulator.data / "snapshots").glob("*"):
        snapshot.unlink()


def test_list(controlled: Probe) -> None:
    """The front page lists every control and what it does."""
    rows = control(controlled, "GET", "/").json()["controls"]

    assert [(row["method"], row["path"]) for row in rows] == [
        (entry.method, f"/_emulator{entry.path}") for entry in CONTROLS
    ]
    assert all(row["does"].endswith(".") for row in rows)


def test_clock(controlled: Probe) -> None:
    """The clock can be read, stopped, set, moved, and set back to the machine's."""
    read = control(controlled, "GET", "/clock").json()
    frozen = post(controlled, "/clock/freeze", at="2027-01-15T08:00:00Z")
    moved = post(controlled, "/clock/move", seconds=90)
    placed = post(controlled, "/clock/set", at=1_900_000_000)
    resumed = post(controlled, "/clock/set")
    later = post(controlled, "/clock/set", at="2030-01-01T00:00:00Z")
    stopped = post(controlled, "/clock/freeze")

    assert list(read) == ["now", "seconds", "frozen"]
    assert not read["frozen"]
    expected = {"now": "2027-01-15T08:00:00.0000000Z", "seconds": 1_800_000_000.0, "frozen": True}
    assert frozen == expected
    assert moved["seconds"] == 1_800_000_090
    assert (placed["seconds"], placed["frozen"]) == (1_900_000_000, True)
    assert abs(resumed["seconds"] - read["seconds"]) < 60
    assert not later["frozen"]
    assert later["now"] < stopped["now"] < "2030-01-01T00:01"


def test_clock_is_everybodys(controlled: Probe) -> None:
    """Secrets and tokens live by the clock that was moved."""
    app = register(controlled, "User.Read.All")
    token = app.token()
    before = app.get("/v1.0/users", token).status
    post(controlled, "/clock/move", seconds=6000)

    assert (before, app.get("/v1.0/users", token).status) == (200, 401)


def test_faults(controlled: Probe) -> None:
    """Faults can be planned, seen and called off."""
    app = register(controlled)
    post(controlled, "/faults", count=2, code=90033, html=True)
    planned = post(controlled, "/faults", seconds=60, retry_after=9)["faults"]
    statuses = [controlled.post(app.token_path, app.form()).status for _ in range(3)]
    waits = controlled.post(app.token_path, app.form()).headers["retry-after"]
    cleared = control(controlled, "DELETE", "/faults").json()

    assert [(plan["left"], plan["fault"]["code"]) for plan in planned] == [
        (2, 90033),
        (None, 90055),
    ]
    assert statuses == [503, 503, 429]
    assert (waits, cleared) == ("9", {"faults": []})
    assert controlled.post(app.token_path, app.form()).status == 200


def test_one_fault_by_default(controlled: Probe) -> None:
    """An order that says nothing throttles the next token request."""
    app = register(controlled)
    post(controlled, "/faults")

    statuses = [controlled.post(app.token_path, app.form()).status for _ in range(2)]

    assert statuses == [429, 200]


def users(app: App) -> list[str]:
    return [user["id"] for user in app.get("/v1.0/users").json()["value"]]


def test_snapshots(controlled: Probe) -> None:
    """A snapshot brings back applications, consents, secrets and users."""
    app = register(controlled, "User.Read.All")
    before = users(app)
    assert post(controlled, "/snapshots/first-state") == {"snapshots": ["first-state"]}
    post(controlled, "/reset", users=2, seed=1)
    gone = controlled.post(app.token_path, app.form()).json()["error_codes"]

    tenants = post(controlled, "/snapshots/first-state/restore")["tenants"]

    assert gone == [90002]
    assert [tenant["id"] for tenant in tenants] == [app.tenant.id]
    assert users(app) == before
    mode = (controlled.emulator.data / "snapshots").stat().st_mode & 0o777
    assert mode == 0o700
    assert control(controlled, "DELETE", "/snapshots/first-state").json() == {"snapshots": []}
    assert control(controlled, "POST", "/snapshots/first-state/restore").status == 404


def test_snapshot_is_replaced(controlled: Probe) -> None:
    """A second snapshot of a name takes the place of the first."""
    post(controlled, "/snapshots/state")
    app = register(controlled, "User.Read.All")
    post(controlled, "/snapshots/state")
    post(controlled, "/reset")
    post(controlled, "/snapshots/state/restore")

    assert len(users(app)) == 5


def test_restore_while_reading(controlled: Probe) -> None:
    """Who reads while a snapshot is restored sees one state or the other, and no error."""
    app = register(controlled, "User.Read.All")
    token = app.token()
    post(controlled, "/snapshots/busy")
    controlled.emulator.directory.objects.fill(controlled.emulator.tenant, "user", [draw_guest()])
    counts: set[int] = set()
    done = threading.Event()

    def read() -> None:
        probe = Probe(controlled.emulator)
        try:
            while not done.is_set():
                answer = probe.get("/v1.0/users", Authorization=f"Bearer {token}")
                counts.add(len(answer.json()["value"]))
        finally:
            probe.close()

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        post(controlled, "/snapshots/busy/restore")
    done.set()
    for thread in threads:
        thread.join()

    assert len(users(app)) == 5
    assert counts <= {5, 6}


def draw_guest() -> dict[str, Any]:
    return {"id": "9" * 36, "userPrincipalName": "new@contoso.example", "displayName": "New"}


def test_reset(controlled: Probe) -> None:
    """A reset seeds anew, with what the emulator was started with unless told otherwise."""
    tenant = controlled.emulator.tenant
    register(controlled)
    controlled.emulator.faults.fail_next(9)
    other = post(controlled, "/reset", users=1, seed=7)["tenants"]
    again = post(controlled, "/reset")["tenants"]

    assert [(row["displayName"], row["users"]) for row in other] == [("Contoso", 1)]
    assert other[0]["id"] != tenant.id
    assert [(row["id"], row["users"]) for row in again] == [(tenant.id, 5)]
    assert controlled.emulator.tenant == tenant
    assert controlled.emulator.faults.plans() == []


def test_rotation(controlled: Probe) -> None:
    """Keys can be rotated from outside."""
    before = [key.kid for key in controlled.emulator.keys.keys]

    after = post(controlled, "/keys/rotate")["keys"]

    assert after[1:] == before


WRONG: dict[str, tuple[str, str, Any, int]] = {
    "an unknown control": ("GET", "/nothing", None, 404),
    "the wrong verb": ("GET", "/reset", None, 405),
    "no JSON": ("POST", "/clock/move", "{", 400),
    "a list": ("POST", "/clock/move", "[]", 400),
    "a word for a number": ("POST", "/clock/move", '{"seconds":"x"}', 400),
    "a missing member": ("POST", "/clock/move", "{}", 400),
    "an unknown member": ("POST", "/clock/move", '{"seconds":1,"x":2}', 400),
    "too deep": ("POST", "/reset", '{"users":' * 5000, 400),
    "no time": ("POST", "/clock/set", '{"at":"soon"}', 400),
    "before all time": ("POST", "/clock/set", '{"at":-1}', 400),
    "after all time": ("POST", "/clock/move", '{"seconds":1e15}', 400),
    "a large body": ("POST", "/reset", " " * 70_000, 413),
    "too many users": ("POST", "/reset", '{"users":2000000}', 400),
    "fewer than no users": ("POST", "/reset", '{"users":-1}', 400),
    "count and seconds": ("POST", "/faults", '{"count":1,"seconds":1}', 400),
    "no fault at all": ("POST", "/faults", '{"count":0}', 400),
    "an unknown fault": ("POST", "/faults", '{"code":1}', 400),
    "no time at all": ("POST", "/faults", '{"seconds":0}', 400),
    "a wait backwards": ("POST", "/faults", '{"retry_after":-1}', 400),
    "a name with dots": ("POST", "/snapshots/..", None, 400),
    "a name with signs": ("POST", "/snapshots/a%2e%2e", None, 400),
    "an unknown snapshot": ("POST", "/snapshots/none/restore", None, 404),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong(controlled: Probe, case: tuple[str, str, Any, int]) -> None:
    """What makes no sense is refused, in JSON."""
    method, path, body, status = case

    answer = controlled.send(
        method, f"/_emulator{path}", headers=JSON, body=body.encode() if body else None
    )

    assert answer.status == status
    assert list(answer.json()["error"]) == ["code", "message"]
    assert answer.headers["content-type"] == "application/json"


def test_backup_in_memory(tmp_path: Path) -> None:
    """A directory in memory can be backed up and restored too."""
    directory = Directory(clock=Clock())
    tenant = seed_directory(directory, users=4)
    directory.backup(tmp_path / "kept.sqlite")
    directory.clear()
    empty = directory.tenants.list_all()
    directory.restore(tmp_path / "kept.sqlite")

    assert empty == []
    assert directory.tenants.list_all() == [tenant]
    assert directory.collections.count(tenant, "user") == 4
    assert [path.name for path in tmp_path.iterdir()] == ["kept.sqlite"]
    directory.close()


def test_clear() -> None:
    """Whatever table is added, a reset empties it; the settings alone stay."""
    names = {
        re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", text)[0]
        for text in TABLES
        if "TABLE" in text
    }

    assert names - set(CLEARED) == {"setting"}


def test_failed_reset(tmp_path: Path) -> None:
    """A refilling that fails half-way changes nothing."""
    directory = Directory(tmp_path / "directory.sqlite")
    tenant = seed_directory(directory, users=4)

    def fail() -> None:
        with directory.transaction():
            directory.clear()
            raise sqlite3.OperationalError("disk full")

    with pytest.raises(sqlite3.OperationalError):
        fail()
    assert directory.tenants.list_all() == [tenant]
    assert directory.collections.count(tenant, "user") == 4
    directory.close()


SERVE = """
import sys
from pathlib import Path
from entra_emulator.server.serve import serve
from entra_emulator.server.settings import EmulatorSettings
settings = EmulatorSettings(
    data=Path(sys.argv[1]), users=1, control=True, managed_identity=True
)
serve("127.0.0.1:0", settings, ready=lambda e: print(e.url, e.imds_url, flush=True))
"""


def test_served_on_request(tmp_path: Path, keys: Path) -> None:
    """A served emulator has controls and managed identities too, if asked for them."""
    (tmp_path / "signing-keys.pem").write_bytes(keys.read_bytes())
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url, imds_url = process.stdout.readline().split()
        tls = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=tls))
        try:
            with opener.open(f"{url}/_emulator/") as answer:
                controls = json.load(answer)["controls"]
            with pytest.raises(HTTPError) as refused:
                opener.open(imds_url + IMDS_PATH)
            refused.value.close()
        finally:
            process.terminate()

    assert len(controls) == len(CONTROLS)
    assert refused.value.code == 400
    assert process.returncode == 0


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_file_that_is_no_snapshot_is_left_as_it_is(
    launch: Callable[..., Probe], tmp_path: Path, method: str
) -> None:
    """Neither replaced, nor read, nor removed."""
    probe = launch(users=3, control=True)
    path = probe.emulator.data / "snapshots" / "mine.sqlite"
    path.parent.mkdir()
    path.write_text("notes" * 100)
    endings = ("", "/restore") if method == "POST" else ("",)
    targets = [f"/_emulator/snapshots/mine{ending}" for ending in endings]

    answers = [
        probe.send(method, target, headers={"Content-Type": "application/json"}, body=b"{}")
        for target in targets
    ]

    assert [answer.status for answer in answers] == [409] * len(targets)
    assert path.read_text() == "notes" * 100
