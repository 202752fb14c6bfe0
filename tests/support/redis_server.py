"""A real Redis server."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path


class RedisServer:
    """A real one of its own, on a free port of this machine, that keeps nothing on disk."""

    def __init__(self, folder: Path) -> None:
        # Another program may take the free port before Redis does.
        assert any(self._start(folder) for _ in range(5)), "Redis does not start"

    def _start(self, folder: Path) -> bool:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"redis://:hunter2@127.0.0.1:{self.port}/0"
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly no --requirepass hunter2"
        self._process = subprocess.Popen(
            ["redis-server", *options.split(), "--save", "", "--dir", str(folder)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        ready = any("Ready to accept connections" in line for line in self._process.stdout)
        if not ready:
            self.stop()
        return ready

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=60)
