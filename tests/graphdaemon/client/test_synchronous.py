"""The bridge for scripts without async: what is left unfinished does not keep the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hostile_server import HostileServer, steps
from tests.support.scripted_server import Answer, Request, page

START = """
import sys
import graphdaemon

client = graphdaemon.BlockingClient(graphdaemon.load(sys.argv[1]))
pages = client.pages("users", proved=False)
print(bytes(next(pages).records[0]).decode(), flush=True)
"""

ENDS = {
    "at its end": "",
    "with the client closed": "client.close()\n",
    "by an exception": "raise SystemExit(0)\n",
    "with a second listing": "more = client.list('users')\n",
    "with an iterator that holds itself": "held = [pages]; held.append(held); del pages\n",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_script_that_leaves_a_listing_unfinished_ends(
    hostile: HostileServer, tmp_path: Path, end: str
) -> None:
    """Python closes the iterator when the loop's thread stands still; it must not wait for it."""
    link = f"{hostile.url}/v1.0/users?$skiptoken=2"

    def answer(request: Request) -> Answer:
        if "skiptoken" in request.target:
            return steps(hostile.pause())
        return page({"id": "1"}, next_link=link)

    hostile.script = answer
    done = subprocess.run(
        [sys.executable, "-c", START + end, hostile.write_parameters(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )

    # Where the client was closed below it, a warning tells of that.
    assert done.returncode == 0, done.stderr
    assert '"id": "1"' in done.stdout


READ_BATCHES = """
import sys
import threading
import graphdaemon

client = graphdaemon.BlockingClient(graphdaemon.load(sys.argv[1]))
reader = client.record_batches("users", select="displayName", proved=False)
print(reader.read_next_batch().num_rows, flush=True)
"""

BATCHES_END = {
    "at its end": "",
    "while another thread reads": """
began = threading.Event()
def read():
    began.set()
    reader.read_next_batch()
threading.Thread(target=read, daemon=True).start()
began.wait()
""",
}


@pytest.mark.parametrize("end", BATCHES_END.values(), ids=BATCHES_END.keys())
def test_a_script_that_leaves_batches_unread_ends(
    hostile: HostileServer, tmp_path: Path, end: str
) -> None:
    """pyarrow's reader holds the iterator, and tells nobody when it is not needed any more."""
    pytest.importorskip("pyarrow")
    link = f"{hostile.url}/v1.0/users?$skiptoken=2"
    users = [{"id": str(number)} for number in range(20_000)]

    def answer(request: Request) -> Answer:
        if "skiptoken" in request.target:
            return steps(hostile.pause())
        return page(*users, next_link=link)

    hostile.script = answer
    done = subprocess.run(
        [sys.executable, "-c", READ_BATCHES + end, hostile.write_parameters(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "20000\n"
