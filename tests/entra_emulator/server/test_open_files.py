import errno
import json
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from entra_emulator.server.open_files import (
    FEWEST,
    RESERVED,
    answer_out_of_files,
    is_out_of_files,
    limit_connections,
)
from tests.support.asgi_line import Line, running_loop

LIMIT = 64
SERVE = f"""
import resource, sys
from pathlib import Path
from entra_emulator.server.serve import serve
from entra_emulator.server.settings import EmulatorSettings
resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT}, {LIMIT}))
settings = EmulatorSettings(data=Path(sys.argv[1]), users=5)
serve("127.0.0.1:0", settings, ready=lambda emulator: print(emulator.url, flush=True))
"""
PAGE = "/organizations/signin?next=/devicelogin"


@dataclass(frozen=True)
class Narrow:
    """An emulator in a process that may open few files."""

    process: "subprocess.Popen[str]"
    address: tuple[str, int]
    tls: ssl.SSLContext
    log: Path
    parameters: dict[str, str]

    def connect(self) -> HTTPConnection:
        connection = HTTPSConnection(*self.address, context=self.tls, timeout=30)
        connection.connect()
        return connection

    def get(self, connection: HTTPConnection, path: str = PAGE) -> int:
        connection.request("GET", path)
        return read_status(connection.getresponse())

    def get_token(self, connection: HTTPConnection) -> int:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.parameters["client_id"],
            "client_secret": self.parameters["secret"],
            "scope": "https://graph.microsoft.com/.default",
        }
        path = urlsplit(self.parameters["authority"]).path + "/oauth2/v2.0/token"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode(form), headers)
        return read_status(connection.getresponse())

    def wait_for_files(self, number: int) -> None:
        """Until the process has at least, or with a negative number at most, so many open."""
        for _ in range(1000):
            opened = sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())
            if opened >= number > 0 or opened <= -number:
                return
            time.sleep(0.02)
        raise AssertionError(f"{opened} files are open")


def read_status(answer: HTTPResponse) -> int:
    answer.read()
    return answer.status


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[Narrow]:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the test counts open files in /proc")
    log = tmp_path / "log"
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-c", SERVE, str(tmp_path / "data")],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            parts = urlsplit(process.stdout.readline().strip())
            assert parts.hostname, log.read_text()
            yield Narrow(
                process,
                (parts.hostname, parts.port or 0),
                ssl.create_default_context(cafile=str(tmp_path / "data" / "ca.pem")),
                log,
                json.loads((tmp_path / "data" / "parameters.json").read_text()),
            )
        finally:
            process.terminate()
    assert process.returncode == 0, log.read_text()


def test_more_connections_than_files_are_answered_503(narrow: Narrow) -> None:
    with ExitStack() as opened:
        crowd = [opened.enter_context(closing(narrow.connect())) for _ in range(LIMIT - RESERVED)]
        assert narrow.get(crowd[0]) == 200
        one_more = opened.enter_context(closing(narrow.connect()))
        assert narrow.get(one_more) == 503
    narrow.wait_for_files(-LIMIT // 2)

    with closing(narrow.connect()) as alone:
        assert narrow.get(alone) == 200
    assert "ulimit -n" in narrow.log.read_text()
    assert "Traceback" not in narrow.log.read_text()


def test_without_free_files_requests_are_answered_or_refused_503(narrow: Narrow) -> None:
    with ExitStack() as opened:
        ready = [opened.enter_context(closing(narrow.connect())) for _ in range(10)]
        # The modules that a token needs are loaded with the first one.
        assert narrow.get_token(ready[0]) == 200
        with ExitStack() as filled:
            for _ in range(LIMIT):
                filled.enter_context(socket.create_connection(narrow.address, timeout=30))
            narrow.wait_for_files(LIMIT)
            # The database shares the connections that it has; a page needs its template's file.
            assert {narrow.get_token(connection) for connection in ready[:5]} == {200}
            assert {narrow.get(connection) for connection in ready[5:]} <= {200, 503}
        narrow.wait_for_files(-LIMIT // 2)

    with closing(narrow.connect()) as later:
        assert narrow.get(later) == 200
        assert narrow.get_token(later) == 200
    assert "Traceback" not in narrow.log.read_text()


def test_a_server_without_free_files_stops_as_any_other(narrow: Narrow) -> None:
    with ExitStack() as filled:
        for _ in range(LIMIT):
            filled.enter_context(socket.create_connection(narrow.address, timeout=30))
        narrow.wait_for_files(LIMIT)
        narrow.process.terminate()
        assert narrow.process.wait(timeout=60) == 0, narrow.log.read_text()

    assert "Traceback" not in narrow.log.read_text()


def test_a_request_that_cannot_open_a_file_is_answered_503_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def open_nothing(_: Scope, __: Receive, ___: Send) -> None:
        raise OSError(errno.EMFILE, "Too many open files", "page.html")

    with running_loop() as loop:
        answer = Line(answer_out_of_files(open_nothing), loop).send("GET", b"/")

    assert answer.status == 503
    assert answer.headers["retry-after"] == "1"
    assert "page.html" in caplog.text
    assert "ulimit -n" in caplog.text


def test_other_failures_are_passed_on() -> None:
    async def fail(_: Scope, __: Receive, ___: Send) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with running_loop() as loop, pytest.raises(OSError, match="No space"):
        Line(answer_out_of_files(fail), loop).send("GET", b"/")


def test_room_is_left_for_files() -> None:
    limit = limit_connections()

    assert limit is None or limit >= FEWEST


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EMFILE, "Too many open files"), True),
        (OSError(errno.ENFILE, "Too many open files in system"), True),
        (ImportError("libx.so: cannot open shared object file: Too many open files"), True),
        (OSError(errno.ENOSPC, "No space left on device"), False),
        (ImportError("no module"), False),
        (ValueError("a"), False),
    ],
)
def test_a_lack_of_files_is_told_from_other_errors(error: Exception, *, expected: bool) -> None:
    assert is_out_of_files(error) is expected


def test_a_database_that_cannot_be_opened_counts_as_a_lack_of_files(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as refused:
        sqlite3.connect(tmp_path / "missing" / "database")

    assert is_out_of_files(refused.value)
