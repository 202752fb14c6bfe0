"""
Drawing in a process of its own, so that storing goes on meanwhile.

A plain child with a pipe, not `multiprocessing`: that would run the main
module of whoever uses the emulator a second time.
"""

import gc
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from graphdaemon.emulator.seeding.part import Order, Part, draw_parts

__all__ = ["draw_elsewhere"]

_HEAD = struct.Struct("=Q")
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Part).decode


def draw_elsewhere(order: Order) -> Iterator[Part]:
    """
    What `draw_parts` gives, drawn by another process.

    Raises:
        RuntimeError: it came to an end before everything was drawn.
    """
    child = subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", __name__, msgspec.json.encode(order).decode()],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C is for us, who end it
    )
    assert child.stdout is not None
    try:
        # No thread reads ahead: every row that is stored would wait for its turn.
        while len(head := child.stdout.read(_HEAD.size)) == _HEAD.size:
            (size,) = _HEAD.unpack(head)
            content = child.stdout.read(size)
            if len(content) < size:
                break
            yield _decode(content)
        if child.wait():
            raise RuntimeError("the process that draws the directory failed")
    finally:
        child.kill()
        child.stdout.close()
        child.wait()


def _write(order: Order, stream: BinaryIO) -> None:
    for part in draw_parts(order):
        content = _encode(part)
        stream.write(_HEAD.pack(len(content)))
        stream.write(content)
    stream.flush()


if __name__ == "__main__":
    gc.disable()  # nothing here is in a circle
    try:
        _write(msgspec.json.decode(sys.argv[1], type=Order), sys.stdout.buffer)
    except BrokenPipeError:
        os._exit(1)  # nobody is there to be told
