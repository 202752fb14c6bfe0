"""An emulator that is served by a command line of the documentation, and called by a program."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.run_command import clean_environment, run_graphdaemon


def serve_and_call(folder: Path, line: str, *more: str) -> str:
    """Serve as the line says, list the users, press Ctrl-C; what was said after the start."""
    words = [*shlex.split(line), "--listen", "127.0.0.1:0", *more]
    data = words[words.index("--data") + 1]
    with subprocess.Popen(
        [sys.executable, "-m", "graphdaemon", *words],
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        cwd=folder,
    ) as server:
        assert server.stderr is not None
        for said in server.stderr:
            if said.startswith("Try:"):
                break
        listed = run_graphdaemon("users", f"{data}/parameters.json", cwd=folder)
        server.send_signal(signal.SIGINT)
        text = server.stderr.read()
    assert listed.returncode == 0, listed.stderr
    assert "3 records, complete" in listed.stderr
    assert server.returncode == 0, text
    return text
