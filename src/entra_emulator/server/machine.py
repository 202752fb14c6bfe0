"""The endpoints of the pretend machine, where its managed identities get their tokens."""

import contextlib
import secrets
from typing import NamedTuple

from entra_emulator.in_process.loop_thread import LoopThread
from entra_emulator.server.listen import open_listener
from entra_emulator.server.uvicorn_thread import run_server
from entra_emulator.token_service.managed_identity import (
    APP_SERVICE_PATH,
    create_managed_identity_app,
)
from entra_emulator.web.context import Context


class MachineAddresses(NamedTuple):
    """Where the machine's programs ask: of a virtual machine, and of an App Service."""

    imds_url: str
    identity_endpoint: str
    identity_header: str


def serve_machine(
    stack: contextlib.ExitStack,
    context: Context,
    url: str,
    thread: LoopThread,
    address: tuple[str, int],
) -> MachineAddresses:
    """
    Serve the endpoints until the stack closes them.

    Args:
        stack: closes them.
        context: the emulator's.
        url: the emulator's.
        thread: the thread to serve in.
        address: where to listen; port 0 takes any free one.
    """
    # Like a real machine's, this endpoint is plain http and gives tokens to any program that asks,
    # so no other machine may reach it.
    listener = stack.enter_context(open_listener(*address))
    imds_url = f"http://{address[0]}:{listener.getsockname()[1]}"
    header = secrets.token_hex(16)
    app = create_managed_identity_app(context, url, header)
    stack.callback(run_server(app, listener, None, thread))
    return MachineAddresses(imds_url, imds_url + APP_SERVICE_PATH, header)
