"""
A network of our own, in which Microsoft's names mean this machine.

Some clients have the names built in. They, the server and the bench run in a namespace: nothing
outside it sees another /etc/hosts, nothing inside it reaches anything else, and port 443 is free.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

_MARK = "BENCH_INSIDE"
_UNSHARE = ["unshare", "--map-root-user", "--mount", "--net"]
_HOSTS = "127.0.0.1 localhost {}\n::1 localhost\n"
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1

NAMES = (
    "graph.microsoft.com",
    "login.microsoftonline.com",
    "login.windows.net",
    "management.azure.com",
    "graph.windows.net",
)


def are_ours() -> bool:
    """Say whether Microsoft's names mean this machine here."""
    return _MARK in os.environ


def make_ours(module: str) -> None:
    """Begin ``module`` anew where they do; return if that is not possible here."""
    if are_ours() or shutil.which("unshare") is None:
        return
    attempt = [*_UNSHARE, "mount", "--bind", "/etc/hosts", "/etc/hosts"]
    if subprocess.run(attempt, check=False, capture_output=True).returncode == 0:
        command = [*_UNSHARE, sys.executable, "-m", module, *sys.argv[1:]]
        os.execvpe(command[0], command, os.environ | {_MARK: "begun"})


def settle() -> None:
    """Once, inside: begin the loopback device, and say what the names mean."""
    if os.environ.get(_MARK) != "begun":
        return
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        fcntl.ioctl(line, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP))
    with tempfile.NamedTemporaryFile("w", suffix=".hosts", delete=False) as file:
        file.write(_HOSTS.format(" ".join(NAMES)))
    try:
        subprocess.run(["mount", "--bind", file.name, "/etc/hosts"], check=True)
    finally:
        # It lives on as what is mounted.
        Path(file.name).unlink()
    os.environ[_MARK] = "settled"
