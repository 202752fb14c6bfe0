"""Messages between two processes, with open files beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entra_emulator.exec.messages import make_channel, receive_message, send_message


def test_a_message_arrives_with_its_files(tmp_path: Path) -> None:
    here, there = make_channel()
    path = tmp_path / "file"
    path.write_text("content")
    with path.open() as file, here, there:
        send_message(here, {"a": "\udcff" * 1000}, [file.fileno(), file.fileno()])
        send_message(here, [])

        content, files = receive_message(there)

        assert content == {"a": "\udcff" * 1000}
        assert [os.read(one, 9) for one in files] == [b"content", b""]
        assert receive_message(there) == ([], [])
    for one in files:
        os.close(one)


@pytest.mark.parametrize("sent", [b"", b"\0\0", (9).to_bytes(8, "big") + b"[1", b"\xff" * 99])
def test_a_message_that_breaks_off_is_none(sent: bytes) -> None:
    """Nor is one that says it is longer than any."""
    here, there = make_channel()
    with there:
        here.sendall(sent)
        here.close()

        with pytest.raises(EOFError):
            receive_message(there)
