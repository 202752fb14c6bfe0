"""Messages between the processes of a run: JSON, and open files beside it."""

import json
import os
import socket
from typing import Any

# More than the variables and arguments that the system lets a program start with would be rare.
_LONGEST = 4 * 1024 * 1024
_MOST_FILES = 250
_WORD = 8


def make_channel() -> tuple[socket.socket, socket.socket]:
    """Two ends of a stream, whichever process holds them."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)


def send_message(channel: socket.socket, content: Any, files: list[int] | None = None) -> None:
    """
    Send a message.

    Raises:
        OSError: nobody reads at the other end any more.
    """
    body = json.dumps(content).encode("ascii")
    head = len(body).to_bytes(_WORD, "big")
    if files:
        socket.send_fds(channel, [head], files)
    else:
        channel.sendall(head)
    channel.sendall(body)


def receive_message(channel: socket.socket) -> tuple[Any, list[int]]:
    """
    The next message and its files.

    Raises:
        EOFError: the other end is closed.
    """
    head, files, _, _ = socket.recv_fds(channel, _WORD, _MOST_FILES)
    try:
        head += _read(channel, _WORD - len(head)) if head else _fail()
        size = int.from_bytes(head, "big")
        content = json.loads(_read(channel, size)) if size <= _LONGEST else _fail()
    except BaseException:
        for file in files:
            os.close(file)
        raise
    return content, files


def _read(channel: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = channel.recv(min(size, 65_536)) or _fail()
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _fail() -> bytes:
    raise EOFError("the other process has ended")
