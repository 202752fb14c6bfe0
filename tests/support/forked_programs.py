"""
Programs of a shell that cost no start: `graphdaemon` and `python`, forked from one process.

A process that has everything imported waits at a socket. What the shell starts is a script of a few
lines, which hands over its words, folder, variables and open files, and ends as the fork does.
"""

from __future__ import annotations

import gc
import marshal
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from tests.support.places import ROOT
from tests.support.run_command import clean_environment

# Neither site-packages nor anything that is slow to import: it starts in a hundredth of a second.
_SCRIPT = """\
#!{python} -IS
import _socket, marshal, os, signal, sys
there = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
there.connect({address!r})
call = marshal.dumps((sys.argv, os.getcwd(), dict(os.environ)))
files = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
there.sendmsg([len(call).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
there.sendall(call)
process = int.from_bytes(there.recv(4), "big")
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: os.kill(process, number))
answer = there.recv(1)
os._exit(answer[0] if answer else 70)
"""
_IMPORTED = (
    "click msal requests graphdaemon.cli.run_listing graphdaemon.cli.run_sync "
    "graphdaemon.cli.run_stored_listing graphdaemon.cli.run_daemon graphdaemon.cli.run_report "
    "graphdaemon.cli.emulator_exec graphdaemon.client.client graphdaemon.cli.commands.doctor "
    "graphdaemon.cli.commands.register entra_emulator.server.serve"
).split()


@contextmanager
def serve_programs() -> Iterator[Path]:
    """Serve them for the length of the block; yields the folder for a shell's PATH."""
    # The path of a socket must be short, which those of pytest are not everywhere.
    with (
        tempfile.TemporaryDirectory() as folder,
        _serving(Path(folder) / "socket", Path(folder)) as programs,
    ):
        yield programs


@contextmanager
def _serving(address: Path, programs: Path) -> Iterator[Path]:
    for name in ("graphdaemon", "python"):
        (programs / name).write_text(_SCRIPT.format(python=sys.executable, address=str(address)))
        (programs / name).chmod(0o755)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked_programs", str(address)],
        cwd=ROOT,
        env=clean_environment() | {"PYTHONUTF8": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield programs
        finally:
            # It reads the end of its input as the end of its work.
            process.stdin.close()


def _serve(address: str) -> None:
    from importlib import import_module

    for name in _IMPORTED:
        import_module(name)
    # What garbage is searched for would be copied into each fork.
    gc.freeze()
    # The kernel reaps them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(32)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            readable, _, _ = select.select([listener, sys.stdin], [], [])
            if listener not in readable:
                return
            caller, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                listener.close()
                _become(caller)
            caller.close()


def _become(caller: socket.socket) -> NoReturn:
    """Be the program that the caller is a stand-in for."""
    code = 1
    try:
        head, files, _, _ = socket.recv_fds(caller, 4, 3)
        length = int.from_bytes(head, "big")
        words, folder, variables = marshal.loads(caller.recv(length, socket.MSG_WAITALL))
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        sys.stdin, sys.stdout, sys.stderr = (
            open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115  it lasts
            for number, mode in enumerate("rww")
        )
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        caller.sendall(os.getpid().to_bytes(4, "big"))
        code = _run(words)
    except BaseException:  # noqa: BLE001  as an interpreter does at its end
        traceback.print_exc()
    finally:
        _finish()
        caller.sendall(bytes([code & 255]))
        os._exit(code & 255)


def _finish() -> None:
    """What an interpreter does at its end, but for taking itself apart."""
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # its reader has gone, or it is closed
            continue


def _run(words: list[str]) -> int:
    program: Callable[[list[str]], Any] = (
        _run_python if Path(words[0]).name == "python" else _run_command
    )
    try:
        program(words)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return end.code or 0
    return 0


def _run_command(words: list[str]) -> None:
    from graphdaemon import cli

    sys.argv = words
    cli.main(words[1:])


def _run_python(words: list[str]) -> None:
    """`python FILE …`, `python -m MODULE …`; no other option is known."""
    import runpy

    if words[1] == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = words[2:]
        runpy.run_module(words[2], run_name="__main__", alter_sys=True)
        return
    sys.path.insert(0, str(Path(words[1]).resolve().parent))
    sys.argv = words[1:]
    runpy.run_path(words[1], run_name="__main__")


if __name__ == "__main__":
    _serve(sys.argv[1])
