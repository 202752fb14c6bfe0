"""
The process outside of a namespace, which the caller knows.

It hands signals on to the program, relays to services of this machine, and ends as the run ends.
"""

import asyncio
import contextlib
import os
import select
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from entra_emulator.exec.allowed_services import Service
from entra_emulator.exec.child_process import is_from_terminal, wait_passing_signals
from entra_emulator.exec.messages import receive_message, send_message
from entra_emulator.exec.relay import relay


class _Run:
    """What is known of the processes in the namespace."""

    def __init__(self, process: int, control: socket.socket) -> None:
        self.process = process
        self._control = control
        self._starting = threading.Event()
        self._started = threading.Event()
        self._program: int | None = None
        self._is_late = False

    def listen(self, services: Sequence[Service]) -> None:
        """Follow what the namespace says, until it is gone."""
        with contextlib.suppress(EOFError, OSError):
            self._await_order()
            self._map_users()
            if services:
                start_relays(services, self._await_order())
            self._await_order()
            # From now on the program may have begun, and signals are its own.
            self._starting.set()
            self._answer()
            (self._program,) = self._await_order()
        self._started.set()

    def _map_users(self) -> None:
        try:
            map_users(self.process)
        except OSError as error:
            # The process waits for the answer.
            send_message(self._control, error.strerror)
            raise
        self._answer()

    def _await_order(self) -> list[int]:
        return receive_message(self._control)[1]

    def _answer(self) -> None:
        send_message(self._control, None)

    def pass_on(self, held: signal.struct_siginfo) -> int | None:
        """Give a signal to the program; without one the run is over: return its exit code."""
        if self._starting.is_set():
            self._started.wait()
        if self._program is not None and select.select([self._program], [], [], 0)[0]:
            # It may have come while the program still ran, and be noticed only now.
            if not self._is_late:
                self._is_late = True
                return None
            self._program = None
        if self._program is None:
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
            return 128 + held.si_signo
        if not is_from_terminal(held):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._program, held.si_signo)
        return None


def supervise(process: int, control: socket.socket, services: Sequence[Service]) -> int:
    """
    Wait for the end of a run; return its exit code.

    Args:
        process: the emulator's process, which is about to enter a namespace.
        control: leads to that process, and to the namespace's first.
        services: what the program may reach outside.
    """
    run = _Run(process, control)
    threading.Thread(target=run.listen, args=(services,), name="control", daemon=True).start()
    return wait_passing_signals(process, run.pass_on)


def map_users(process: int) -> None:
    """
    Let the users and groups of a new user namespace be those outside.

    Without the right to that, the caller alone is; whatever belongs to others belongs to nobody.

    Raises:
        OSError: the system refuses both.
    """
    place = Path("/proc", str(process))
    try:
        for name in ("uid_map", "gid_map"):
            rows = [line.split() for line in Path("/proc/self", name).read_text().splitlines()]
            # Inside, outside, how many: outside is what this process calls by the number inside.
            _write(place / name, "".join(f"{row[0]} {row[0]} {row[2]}\n" for row in rows))
    except PermissionError:
        _write(place / "setgroups", "deny")
        _write(place / "uid_map", f"{os.geteuid()} {os.geteuid()} 1\n")
        _write(place / "gid_map", f"{os.getegid()} {os.getegid()} 1\n")


def _write(path: Path, text: str) -> None:
    # In one write, as the kernel wants it, and without making a file.
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)


def start_relays(services: Sequence[Service], listeners: Sequence[int]) -> None:
    """
    Relay to services, in a thread of its own.

    Args:
        services: where to.
        listeners: sockets of the namespace that listen, as many for each service.
    """
    each = len(listeners) // len(services)
    sockets = [socket.socket(fileno=listener) for listener in listeners]

    async def serve() -> None:
        for number, listener in enumerate(sockets):
            await asyncio.start_server(_relay_to(services[number // each]), sock=listener)
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), name="relays", daemon=True).start()


def _relay_to(
    service: Service,
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await relay(reader, writer, (service.host, service.port))
        except OSError:
            # As the service itself would refuse: by a reset.
            writer.transport.abort()

    return hand_on
