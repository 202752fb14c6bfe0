"""The name server of a namespace: it knows the emulator's hosts and this machine, and says so."""

import socket
import struct
import threading
from collections.abc import Collection

from entra_emulator.exec.loopback import EMULATOR_ADDRESS
from entra_emulator.exec.refused_connections import Refusals

PORT = 53

# RFC 1035, 4.1: flags and codes of an answer, types and the class of a question.
_IS_ANSWER, _RECURSION, _NO_SUCH_NAME, _NOT_UNDERSTOOD = 0x8400, 0x0080, 3, 1
_ADDRESS, _INTERNET = 1, 1
_LONGEST_QUESTION = 512
_SECONDS = 60
_OWN_NAME = 0xC00C  # where the question's name begins, as a pointer
_SILENT = (".in-addr.arpa", ".ip6.arpa", ".local")
"""Names that programs ask for by themselves, to show an address or to find printers."""


def serve_names(address: str, hosts: Collection[str], refusals: Refusals) -> None:
    """
    Answer questions for names, in a thread of its own.

    Raises:
        OSError: the address is taken.
    """
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, PORT))
    known = dict.fromkeys(hosts, EMULATOR_ADDRESS) | {"localhost": "127.0.0.1"}

    def serve() -> None:
        while True:
            question, sender = server.recvfrom(_LONGEST_QUESTION)
            answer, name = answer_question(question, known)
            if name and not name.endswith(_SILENT):
                text = f"the program asked for {name}, which is not one of the emulator's hosts"
                refusals.note(name, f"{text}: it was told that there is no such name")
            if answer:
                server.sendto(answer, sender)

    threading.Thread(target=serve, name=f"names on {address}", daemon=True).start()


def answer_question(question: bytes, known: dict[str, str]) -> tuple[bytes, str]:
    """
    The answer to a question, and the name if it is not a known one.

    Without an answer the question was none.
    """
    try:
        number, flags, questions = struct.unpack_from("!HHH", question)
        name, end = _read_name(question)
        kind, group = struct.unpack_from("!HH", question, end)
    except (struct.error, IndexError, UnicodeDecodeError):
        return b"", ""
    if flags & 0x8000 or questions != 1:
        return b"", ""
    answer = _IS_ANSWER | _RECURSION | (flags & 0x0100)
    if flags & 0x7800:  # another operation than a question
        return struct.pack("!6H", number, answer | _NOT_UNDERSTOOD, 0, 0, 0, 0), ""
    echoed = question[12 : end + 4]
    if name not in known:
        return struct.pack("!6H", number, answer | _NO_SUCH_NAME, 1, 0, 0, 0) + echoed, name
    if (kind, group) != (_ADDRESS, _INTERNET):
        # The name is there, and has nothing of this kind.
        return struct.pack("!6H", number, answer, 1, 0, 0, 0) + echoed, ""
    record = struct.pack("!HHHIH", _OWN_NAME, _ADDRESS, _INTERNET, _SECONDS, 4)
    record += socket.inet_aton(known[name])
    return struct.pack("!6H", number, answer, 1, 1, 0, 0) + echoed + record, ""


def _read_name(question: bytes) -> tuple[str, int]:
    """The name in small letters, and where it ends."""
    labels, at = [], 12
    while length := question[at]:
        if length > 63:
            raise IndexError
        labels.append(question[at + 1 : at + 1 + length].decode("ascii").lower())
        at += 1 + length
    return ".".join(labels), at + 1
