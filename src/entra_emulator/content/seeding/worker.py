"""
Draw in another process, so that storing goes on meanwhile.

It is a plain child with a pipe: `multiprocessing` would run the main module of
the program that uses the emulator a second time.
"""

import gc
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Queue
from typing import IO, BinaryIO

import msgspec

from entra_emulator.content.seeding.parts import Part, SeedOrder, draw_parts

# How many parts of some megabytes each are drawn ahead, and the bytes in the pipe.
AHEAD = 12
PIPE_SIZE = 1 << 20

_HEAD = struct.Struct("=Q")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Part).decode


def draw_elsewhere(order: SeedOrder) -> Iterator[Part]:
    """
    What `draw_parts` gives, drawn by another process.

    Raises:
        RuntimeError: the process ended before everything was drawn.
    """
    child = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", __name__, msgspec.json.encode(order).decode()],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C goes to this process, which ends the child
        pipesize=PIPE_SIZE,
    )
    assert child.stdout is not None
    parts: Queue[bytes | None] = Queue(AHEAD)
    reader = threading.Thread(target=_read, args=(child.stdout, parts), daemon=True)
    reader.start()
    try:
        while (content := parts.get()) is not None:
            yield _decode(content)
        if child.wait():
            raise RuntimeError("the process that draws the directory failed")
    finally:
        child.kill()
        child.wait()
        while reader.is_alive():  # it may be waiting for room in the queue
            with suppress(Empty):
                parts.get(timeout=0.05)
        child.stdout.close()


def _read(stream: IO[bytes], parts: "Queue[bytes | None]") -> None:
    while len(head := stream.read(_HEAD.size)) == _HEAD.size:
        (size,) = _HEAD.unpack(head)
        content = stream.read(size)
        if len(content) < size:
            break
        parts.put(content)
    parts.put(None)


def _write(order: SeedOrder, stream: BinaryIO) -> None:
    for part in draw_parts(order):
        content = _encode(part)
        stream.write(_HEAD.pack(len(content)))
        stream.write(content)
    stream.flush()


if __name__ == "__main__":
    gc.disable()  # nothing here refers to itself
    try:
        _write(msgspec.json.decode(sys.argv[1], type=SeedOrder), sys.stdout.buffer)
    except BrokenPipeError:
        os._exit(1)  # the parent is gone
