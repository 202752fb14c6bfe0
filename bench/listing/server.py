"""
The page server: a thread for each connection, blocking TLS, answers that are kept.

Nothing in it is asynchronous: a thread that waits for a socket or sleeps for the latency costs
nothing, and writing a page is one call into OpenSSL.

    .venv/bin/python -m bench.listing.server --users 100000 --latency 0.1
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import certifi
import trustme

from bench.listing import names
from bench.listing.directory import Directory, open_directory
from bench.listing.graph import Graph
from bench.listing.identity import Identity
from bench.listing.wire import Request, read_request, write_response

DATA = Path(os.environ.get("BENCH_DATA", Path(__file__).parent.parent / ".data"))


_COST = re.compile(rb"(?i)\r\nx-ms-resource-unit: (\d+)\r\n")


class Server:
    """
    Serves one directory on loopback.

    Args:
        directory: What is served.
        ports: Where; 0 takes any that is free.
        tls: Certificate and key.
        latency: Seconds that Graph takes for each answer.
        gzip: Whether those who accept it get compressed pages.

    Attributes:
        ports: Where it listens.
    """

    def __init__(
        self,
        directory: Directory,
        ports: tuple[int, ...],
        tls: ssl.SSLContext,
        *,
        latency: float = 0.0,
        gzip: bool = True,
    ) -> None:
        self._graph = Graph(directory, gzip=gzip)
        self._identity = Identity()
        self._tls = tls
        self._latency = latency
        self._requests = self._units = 0
        listeners = [socket.create_server(("127.0.0.1", port), backlog=1024) for port in ports]
        self.ports = [listener.getsockname()[1] for listener in listeners]
        for listener in listeners:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            line, _ = listener.accept()
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        # Whoever goes away in the middle is not waited for.
        with contextlib.suppress(OSError), self._tls.wrap_socket(line, server_side=True) as secure:
            rest = b""
            while (read := read_request(secure, rest)) is not None:
                request, rest = read
                secure.sendall(self._answer(request))
                if request.headers.get("connection", "").lower() == "close":
                    return

    def _answer(self, request: Request) -> bytes:
        if request.path == "/bench/counts":
            counts = {
                "tokens": self._identity.issued,
                "requests": self._requests,
                "units": self._units,
            }
            return write_response(200, json.dumps(counts).encode())
        if (answer := self._identity.answer(request)) is not None:
            return answer
        self._requests += 1
        answer = self._graph.answer(request)
        cost = _COST.search(answer[:1024])
        self._units += int(cost[1]) if cost else 0
        if self._latency:
            time.sleep(self._latency)
        return answer


def make_certificates(data: Path) -> None:
    """An authority, alone and beside those that everybody trusts, and a certificate of its own."""
    chain = data / "server.pem"
    if chain.exists():
        return
    data.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="graphdaemon bench")
    authority.cert_pem.write_to_path(data / "ca.pem")
    (data / "bundle.pem").write_text(f"{certifi.contents()}\n{authority.cert_pem.bytes().decode()}")
    issued = authority.issue_cert("localhost", *names.NAMES)
    issued.private_key_and_cert_chain_pem.write_to_path(chain)


@contextmanager
def serving(
    users: int,
    *,
    data: Path = DATA,
    latency: float = 0.0,
    gzip: bool = True,
    ports: tuple[int, ...] = (0,),
    cpu: int | None = None,
) -> Iterator[tuple[int, int]]:
    """A server in a process of its own, until the end of the block; its port and process."""
    command = [sys.executable, "-m", "bench.listing.server", "--users", str(users)]
    command += ["--data", str(data), "--latency", str(latency)]
    command += ["--ports", *map(str, ports), *([] if gzip else ["--identity"])]
    command += [] if cpu is None else ["--cpu", str(cpu)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["ports"][0], process.pid
        finally:
            # It ends when nobody holds the other end any more.
            process.stdin.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve prepared pages of users on loopback.")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=DATA, help="where directories are kept")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds for each answer")
    parser.add_argument("--ports", type=int, nargs="+", default=[0])
    parser.add_argument("--identity", action="store_true", help="compress nothing")
    parser.add_argument("--cpu", type=int, help="the only one to use")
    options = parser.parse_args()
    if options.cpu is not None:
        os.sched_setaffinity(0, {options.cpu})
    make_certificates(options.data)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(options.data / "server.pem")
    server = Server(
        open_directory(options.data, options.users),
        tuple(options.ports),
        tls,
        latency=options.latency,
        gzip=not options.identity,
    )
    print(json.dumps({"ports": server.ports, "ca_file": str(options.data / "ca.pem")}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
