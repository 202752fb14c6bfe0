"""The process outside of a namespace, where the system refuses what it is to do there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.exec_run import make_environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are no namespaces")

# The child has entered no namespace of users, so that it has no users to be named.
SCRIPT = """
import os, signal
from entra_emulator.exec.child_process import list_held_signals
from entra_emulator.exec.messages import make_channel, receive_message, send_message
from entra_emulator.exec.supervisor import supervise

outside, inside = make_channel()
signal.pthread_sigmask(signal.SIG_BLOCK, list_held_signals())
process = os.fork()
if not process:
    send_message(inside, None)
    print(receive_message(inside)[0], flush=True)
    os._exit(4)
print(supervise(process, outside, ()))
"""


def test_a_refusal_of_users_is_told_to_the_process_that_waits_for_them() -> None:
    """As where Python may not be read by who runs it: the run ends, instead of waiting for ever."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=make_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == "Operation not permitted\n4\n", done.stderr
