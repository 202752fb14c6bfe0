"""
A program in namespaces of Linux: it sees a network that ends at the emulator.

Three processes: the one that the caller started stays outside and supervises (`supervisor`). Its
child makes the namespaces, and only waits. That one's child is the first process in there, whose
end is that of all others: it is the emulator, starts the program, and takes care of orphans. Each
dies with its parent, by the kernel's doing, and with the last of them goes all that was mounted.
"""

import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from entra_emulator.exec import system_calls
from entra_emulator.exec.allowed_services import Service, read_services
from entra_emulator.exec.child_process import (
    list_held_signals,
    read_status,
    start_child,
    wait_for,
)
from entra_emulator.exec.environment import (
    clear_environment,
    fill_variables,
    trust_variables,
)
from entra_emulator.exec.hosts import list_hosts
from entra_emulator.exec.identity import make_identity, run_emulator
from entra_emulator.exec.loopback import EMULATOR_ADDRESS, has_ipv6, open_loopback
from entra_emulator.exec.messages import make_channel, receive_message, send_message
from entra_emulator.exec.name_server import serve_names
from entra_emulator.exec.namespace_files import write_system_files
from entra_emulator.exec.program import (
    Ending,
    NamespaceUnavailable,
    Observer,
    Program,
)
from entra_emulator.exec.refused_connections import Refusals, watch_refusals
from entra_emulator.exec.supervisor import supervise
from entra_emulator.exec.trust import write_trust_files
from entra_emulator.token_service.managed_identity import METADATA_ADDRESS

_FOLDER = Path(__file__).with_name("mount_point")
_HTTPS, _HTTP = 443, 80
_LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


def run_in_namespace(program: Program, observer: Observer, environment: Mapping[str, str]) -> int:
    """
    Run a program, and return the exit code: in the caller's process, and in the emulator's as well.

    Raises:
        NamespaceUnavailable: the system does not let this user have namespaces.
        ProgramNotStarted: the system does not run the program.
        ValueError: what is allowed, or a variable, cannot be read; see also `Emulator.start`.
    """
    services = read_services(program.allow)
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()  # or both processes would write what is waiting
    outside, inside = make_channel()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored ones leave no exit code
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, list_held_signals())
    parent = os.getpid()
    process = os.fork()
    if process:
        inside.close()
        return supervise(process, outside, services)
    outside.close()
    _enter(inside, parent)
    first = os.fork()
    if first:
        # Not Python's own end, which would end the emulator's affairs a second time.
        os._exit(read_status(os.waitpid(first, 0)[1]))
    system_calls.die_with_parent()
    _show_processes()
    _listen_for(services, inside)
    return _serve(program, observer, environment, lambda *order: _run(inside, mask, *order))


def _enter(control: socket.socket, parent: int) -> None:
    """Part this process from the machine's network and mounts; its children from the processes."""
    try:
        system_calls.unshare(
            system_calls.NEW_USER
            | system_calls.NEW_MOUNTS
            | system_calls.NEW_NETWORK
            | system_calls.NEW_PROCESSES
        )
        # Only now: new rights forget it.
        system_calls.die_with_parent()
        if os.getppid() != parent:
            raise SystemExit(128 + signal.SIGKILL)
        send_message(control, None)
        if refusal := receive_message(control)[0]:
            raise NamespaceUnavailable(f"its users cannot be named: {refusal}")
        flags = system_calls.RECURSIVE | system_calls.SLAVE
        system_calls.mount("none", "/", flags=flags)  # what is mounted here is mounted here only
        flags = system_calls.NO_SETUID | system_calls.NO_DEVICES
        system_calls.mount("tmpfs", str(_FOLDER), kind="tmpfs", flags=flags, options="mode=0755")
        open_loopback()
    except (OSError, EOFError) as error:
        # Documented in unshare(2); its text speaks of a disk.
        is_limit = isinstance(error, OSError) and error.errno == errno.ENOSPC
        reason = "the limit of user.max_user_namespaces, or of another kind, is reached"
        raise NamespaceUnavailable(
            reason if is_limit else getattr(error, "strerror", None) or str(error)
        ) from error


def _show_processes() -> None:
    """Let /proc show the processes of the namespace."""
    flags = system_calls.NO_SETUID | system_calls.NO_DEVICES | system_calls.NO_PROGRAMS
    # Refused in containers that hide parts of /proc. The program then finds itself there under the
    # number that it has outside.
    with contextlib.suppress(OSError):
        system_calls.mount("proc", "/proc", kind="proc", flags=flags)


def _run(
    control: socket.socket,
    mask: Collection[int],
    command: Sequence[str],
    variables: Mapping[str, str],
) -> int:
    """Run the program, and give the process outside a handle of it."""
    send_message(control, None)
    receive_message(control)
    process = start_child(command, variables, mask)
    handle = os.pidfd_open(process)
    send_message(control, None, [handle])
    os.close(handle)
    return wait_for(process)


def _listen_for(services: Sequence[Service], control: socket.socket) -> None:
    """Listen on the ports of allowed services, and let the process outside accept connections."""
    listeners = [
        socket.create_server((address, service.port), family=family)
        for service in services
        for family, address in _LOOPBACKS
        if family == socket.AF_INET or has_ipv6()
    ]
    if listeners:
        send_message(control, None, [listener.fileno() for listener in listeners])
    for listener in listeners:
        listener.close()


def _serve(
    program: Program,
    observer: Observer,
    environment: Mapping[str, str],
    run: Callable[[Sequence[str], Mapping[str, str]], int],
) -> int:
    refusals = Refusals(observer.say)
    note_refusals = watch_refusals(refusals)
    for address in (EMULATOR_ADDRESS, "127.0.0.1"):  # the second without a resolv.conf
        serve_names(address, list_hosts(), refusals)
    settings = replace(
        program.settings,
        host=EMULATOR_ADDRESS,
        port=_HTTPS,
        hostnames=(*program.settings.hostnames, *list_hosts()),
        data=_FOLDER / "tenant",
        managed_identity=True,
        machine=(METADATA_ADDRESS, _HTTP),
    )
    with run_emulator(program, settings) as emulator:
        identity = make_identity(emulator, program, _FOLDER)
        observer.started(emulator)
        variables = clear_environment(environment)
        trust = write_trust_files(_FOLDER, emulator.ca_file.read_bytes(), variables)
        variables |= {**trust_variables(trust), **identity.variables}
        variables |= fill_variables(program.variables, identity.fields)
        for binding in write_system_files(_FOLDER, trust, program.command, variables):
            flags = system_calls.BIND | system_calls.RECURSIVE
            system_calls.mount(binding.source, binding.target, flags=flags)
        code = run(program.command, variables)
        note_refusals()
        return observer.ended(emulator, Ending(code, refusals.list_targets()))
