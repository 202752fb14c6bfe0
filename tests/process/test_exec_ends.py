"""`emulator exec` ends with its program, by whatever signal, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path
from secrets import token_hex

import pytest

from tests.support.exec_run import (
    METHODS,
    list_children,
    list_marked,
    list_networks,
    make_command,
    make_environment,
    need,
    read_variable,
    start_exec,
    wait_until,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

# One child, one that has left its group and its parent, and the program itself.
FAMILY = "(setsid sleep 1000 &); sleep 1000 & echo up; wait; sleep 1000"


def find_processes(process: int, method: str) -> dict[str, int]:
    """The command itself, its helper, the emulator, and the program, by their process IDs."""
    if method == "proxy":
        keeper, program = list_children(process)
        return {"command": process, "helper": keeper, "emulator": process, "program": program}
    (helper,) = list_children(process)
    (emulator,) = list_children(helper)
    # The emulator has adopted an orphan since.
    program = list_children(emulator)[0]
    return {"command": process, "helper": helper, "emulator": emulator, "program": program}


@pytest.mark.parametrize(
    ("method", "victim", "code"),
    [
        ("namespace", "command", -9),
        ("namespace", "helper", 137),
        ("namespace", "emulator", 137),
        ("namespace", "program", 137),
        ("proxy", "command", -9),
        ("proxy", "helper", 143),
        ("proxy", "program", 137),
    ],
)
def test_nothing_is_left_after_a_kill(method: str, victim: str, code: int) -> None:
    """Whichever of its processes is killed: no process, network or file stays."""
    mark = token_hex(8)
    with start_exec(method, "sh", "-c", FAMILY, RUN_OF_TEST=mark) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        # While a process becomes another program, it shows no mark.
        wait_until(lambda: len(list_marked(mark)) >= 5)
        assert len(list_marked(mark)) >= 5
        processes = find_processes(process.pid, method)
        network = str(Path(f"/proc/{processes['program']}/ns/net").readlink())
        bundle = read_variable(processes["program"], "SSL_CERT_FILE")
        assert (method == "proxy") == bundle.exists()
        os.kill(processes[victim], signal.SIGKILL)
        if (method, victim) == ("proxy", "helper"):
            process.terminate()  # the program goes on without it
        assert process.wait(timeout=60) == code

    wait_until(lambda: not list_marked(mark) and not bundle.exists())
    assert list_marked(mark) == set()
    assert not bundle.exists()
    if method == "namespace":
        assert network not in list_networks()
    else:
        assert not bundle.parent.exists()


TRAP = "trap 'echo handled; exit 4' TERM; echo up; read wait"
SLEEP = "echo up; exec sleep 1000"


@pytest.mark.parametrize(
    ("number", "script", "shown", "code"),
    [
        (signal.SIGTERM, TRAP, "handled\n", 4),
        (signal.SIGHUP, SLEEP, "", 129),
        (signal.SIGINT, SLEEP, "", 130),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_signal_is_handed_on_to_the_program(
    method: str, number: signal.Signals, script: str, shown: str, code: int
) -> None:
    """Which may handle it; else the exit code says it."""
    need(method)
    with subprocess.Popen(
        make_command(method, "sh", "-c", script),
        env=make_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.stdout.read() == shown
        assert process.wait(timeout=60) == code


@pytest.mark.parametrize("method", METHODS)
def test_a_program_on_a_terminal_gets_one_ctrl_c(method: str) -> None:
    """From the terminal, which is its own: it is not told twice."""
    need(method)
    script = (
        "import os, signal\n"
        "count = 0\n"
        "def note(*_):\n"
        "    global count\n"
        "    count += 1\n"
        "def end(*_):\n"
        "    os._exit(10 + count)\n"
        "signal.signal(signal.SIGINT, note)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('up', os.isatty(0), os.isatty(1), flush=True)\n"
        "while True: print(input(), count, flush=True)\n"
    )
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        make_command(method, sys.executable, "-c", script),
        env=make_environment(),
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # The terminal sends its signals to whom it controls; this process has one thread.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
    )
    os.close(terminal)
    shown = b""
    while b"up True True" not in shown:
        shown += os.read(controller, 1000)
    os.write(controller, b"\x03")
    while b"^C" not in shown:
        shown += os.read(controller, 1000)
    os.write(controller, b"typed\n")
    while b"typed 1" not in shown:
        shown += os.read(controller, 1000)
    # The command hands this on only when it is done with the first. What is printed from here on
    # may be lost with the terminal, which ends with the command.
    process.terminate()

    assert process.wait(timeout=60) == 10 + 1
    os.close(controller)


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_while_the_tenant_is_made_ends_the_run(method: str) -> None:
    """Before there is a program: nothing of it has run, and nothing is left."""
    mark = token_hex(8)
    options = ("--users", 200_000)
    with start_exec(method, "echo", "ran", options=options, RUN_OF_TEST=mark) as process:
        wait_until(lambda: len(list_marked(mark)) >= (3 if method == "namespace" else 2))
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)

    wait_until(lambda: not list_marked(mark))
    assert (process.returncode, out) == (130, "")
    assert list_marked(mark) == set()
