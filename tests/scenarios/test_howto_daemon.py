"""What the page about the daemon shows is run, as its reader would run it."""

from __future__ import annotations

import os
import re
import shlex
import signal
from pathlib import Path

import pytest

from tests.support.daemon_process import run_daemon_process
from tests.support.places import DOCS
from tests.support.postgres_server import PostgresServer
from tests.support.run_command import WriteParameters

PAGE = (DOCS / "how-to" / "run-as-a-daemon.md").read_text(encoding="utf-8")
LINES = "".join(re.findall(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)).splitlines()
RUNS = [line for line in LINES if line.startswith("graphdaemon run")]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")


def test_every_line_of_the_page_is_tried() -> None:
    """The one besides sends the signal that the tests of signals send."""
    assert [line for line in LINES if line not in RUNS] == [
        """kill -HUP "$(pgrep -f 'graphdaemon run')\""""
    ]


@pytest.mark.parametrize("line", RUNS)
def test_every_run_of_the_page_works(
    line: str, parameters: WriteParameters, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """It brings the users into step, and ends when it is told to."""
    if "postgresql://" in line:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        line = re.sub(r"postgresql://\S+", shlex.quote(server.make_schema()), line)
    file = parameters()
    (tmp_path / "tenants").mkdir()
    copy = tmp_path / "tenants" / "contoso.json"
    copy.write_bytes(file.read_bytes())
    copy.chmod(0o600)

    with run_daemon_process(*shlex.split(line)[2:], folder=tmp_path) as daemon:
        daemon.wait_for('"rows":250' if "json" in line.split()[-1] else "users: 250 rows")
        assert daemon.end(signal.SIGTERM) == 0
