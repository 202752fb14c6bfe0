"""The name server's answers, byte by byte."""

from __future__ import annotations

import struct

import pytest

from entra_emulator.exec.name_server import answer_question

KNOWN = {"graph.microsoft.com": "127.0.0.2"}
A, AAAA = 1, 28


def ask(name: str, kind: int = A, *, flags: int = 0x0100) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 7, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def test_a_known_name_has_its_address() -> None:
    """In any case of letters; the question comes back as it was put."""
    question = ask("GRAPH.microsoft.Com")

    answer, name = answer_question(question, KNOWN)

    assert name == ""
    assert answer[:12] == struct.pack("!6H", 7, 0x8580, 1, 1, 0, 0)
    assert answer[12 : len(question)] == question[12:]
    assert answer[len(question) :] == b"\xc0\x0c\0\1\0\1\0\0\0<\0\4\x7f\0\0\2"


def test_a_known_name_has_nothing_else() -> None:
    """No address of IPv6: a client would wait for it in vain."""
    answer, name = answer_question(ask("graph.microsoft.com", AAAA), KNOWN)

    assert (answer[:8], name) == (struct.pack("!4H", 7, 0x8580, 1, 0), "")


def test_another_name_is_not_there() -> None:
    answer, name = answer_question(ask("Example.com"), KNOWN)

    assert (answer[:8], name) == (struct.pack("!4H", 7, 0x8583, 1, 0), "example.com")


def test_another_operation_is_refused() -> None:
    answer, name = answer_question(ask("graph.microsoft.com", flags=0x2900), KNOWN)

    assert struct.unpack("!6H", answer)[1] & 0xF == 1
    assert name == ""


QUESTION = ask("graph.microsoft.com")


@pytest.mark.parametrize(
    "packet",
    [
        *(QUESTION[:length] for length in range(len(QUESTION))),
        ask("graph.microsoft.com", flags=0x8100),  # an answer
        QUESTION[:12] + b"\xc0\x0c" + QUESTION[14:],  # a name that leads to itself
        QUESTION[:13] + b"\xff" + QUESTION[14:],
    ],
)
def test_what_is_no_question_has_no_answer(packet: bytes) -> None:
    assert answer_question(packet, KNOWN) == (b"", "")
