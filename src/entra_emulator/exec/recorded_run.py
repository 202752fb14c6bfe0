"""A run of somebody's program against its own real tenant, of which every exchange is kept."""

import contextlib
import os
import shutil
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.request import getproxies

import trustme

from entra_emulator.exec.environment import proxy_variables, trust_variables
from entra_emulator.exec.hosts import list_hosts
from entra_emulator.exec.program import ProgramNotStarted
from entra_emulator.exec.proxy_run import open_run
from entra_emulator.exec.recording_tunnel import WayOut, start_recording_tunnel
from entra_emulator.exec.trust import write_trust_files
from entra_emulator.in_process.loop_thread import LoopThread
from entra_emulator.server.exchange_queue import ExchangeQueue
from entra_emulator.server.uvicorn_thread import make_tls, run_server
from entra_emulator.traffic.recording.forwarder import make_forwarder
from entra_emulator.traffic.recording.real_service import RealService
from entra_emulator.traffic.recording.recorder import Recorder
from entra_emulator.traffic.report.call_log import CallLog
from entra_emulator.traffic.report.report import Report
from entra_emulator.web.exchange import Note, watch_exchanges


@dataclass(frozen=True, kw_only=True)
class RecordedProgram:
    """
    Somebody's program, and what is to be kept of its calls.

    Args:
        command: its name or path, and its arguments.
        record: the file of the recording.
        ca_file: the authorities to trust for the real hosts, instead of the system's.
        say: shows a line to people.
        ended: called with how many exchanges are in the recording, and what reports on them.
    """

    command: tuple[str, ...]
    record: Path
    ca_file: Path | None = None
    say: Callable[[str], None]
    ended: Callable[[int, Callable[[], Report]], None]


def run_recorded(program: RecordedProgram) -> int:
    """
    Run a program whose calls to Microsoft's hosts are kept, and return its exit code.

    Its TLS ends here, behind a certificate of an authority that is made for this run and trusted by
    nobody else; the real hosts' is verified as the program itself would.

    Raises:
        ProgramNotStarted: there is no such program, or the system does not run it.
        RecordingError: the file is there, and no recording.
        OSError: the recording cannot be written, or the CA file not be read.
    """
    path = shutil.which(program.command[0])
    if path is None:
        reason = f"there is no program {program.command[0]!r}, or it may not be executed"
        raise ProgramNotStarted(reason)
    tls = ssl.create_default_context(cafile=program.ca_file and str(program.ca_file))
    with contextlib.ExitStack() as stack:
        run = stack.enter_context(open_run())
        recorder = stack.enter_context(Recorder(program.record, time.time()))
        calls = CallLog()
        exchanges = ExchangeQueue([recorder.note, calls.note]).start()
        way_out = WayOut(getproxies(), tls)
        authority = trustme.CA(organization_name="graphdaemon record")
        port = _serve(stack, program, way_out, authority, exchanges.note)
        variables = _make_variables(run.folder, port, authority, way_out)
        try:
            code = run.run(program.command, variables)
        finally:
            # Whatever happened, what was exchanged is in the file.
            exchanges.close()
        program.ended(recorder.count, calls.report)
        return code


def _serve(
    stack: contextlib.ExitStack,
    program: RecordedProgram,
    way_out: WayOut,
    authority: trustme.CA,
    note: Note,
) -> int:
    """Listen in the place of the real hosts, with certificates of this authority; the port."""
    proxies = way_out.proxies
    if (proxies.get("https") or proxies.get("all") or "").startswith("https://"):
        # TLS within TLS is for a tunnel of ours, in which this process is a client like others.
        proxies = {"https": f"http://127.0.0.1:{start_recording_tunnel({}, way_out.tls, way_out)}"}
    service = RealService(way_out.tls, proxies)
    stack.callback(service.close)
    app = make_forwarder(service, frozenset(list_hosts()), program.say)
    thread = stack.enter_context(LoopThread())
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=512))
    watched = watch_exchanges(app, note, time.time)
    tls = make_tls(authority, (*list_hosts(), "127.0.0.1"))
    stack.callback(run_server(watched, listener, tls, thread))
    port: int = listener.getsockname()[1]
    return port


def _make_variables(
    folder: Path, port: int, authority: trustme.CA, way_out: WayOut
) -> dict[str, str]:
    """The program's own variables, with the way to the recorder and trust in it."""
    targets = {f"{host}:443": ("127.0.0.1", port) for host in list_hosts()}
    recorder = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    tunnel = start_recording_tunnel(targets, recorder, way_out)
    environment = dict(os.environ)
    trust = write_trust_files(folder, authority.cert_pem.bytes(), environment)
    variables = {**environment, **trust_variables(trust)}
    return variables | proxy_variables(tunnel, port, trust, variables)
