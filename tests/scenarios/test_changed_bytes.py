"""Whatever comes over a connection, it is an answer, or an error of this program."""

import os
import random
from collections import Counter

import pytest

from graphdaemon.errors import Error
from graphdaemon.http.transport import Transport
from tests.support.answer_changes import change_bytes
from tests.support.hostile_server import CLOSE, HostileServer, steps
from tests.support.recorded_answers import OWN, SECRET_PLACE, SECRET_TOKEN, RecordedAnswer

SEED = int(os.environ.get("GRAPHDAEMON_FUZZ_SEED", "0"))


def write_answer(answer: RecordedAnswer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} Recorded"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    head = "\r\n".join([*lines, f"Content-Length: {len(answer.body)}", "", ""])
    return head.encode("latin-1", "replace") + answer.body


def change_message(sent: bytes, draw: random.Random) -> bytes:
    """Change an answer, its head included: a line of it, any bytes of it, or of the whole."""
    end = sent.index(b"\r\n\r\n") + 2
    how = draw.choice((0, 0, 0, 1, 2, 3, 3))
    if how == 0:
        return change_bytes(sent, draw)
    if how == 1:
        return change_bytes(sent[:end], draw) + sent[end:]
    lines = sent[:end].split(b"\r\n")
    line = draw.choice(draw.choice((HARMLESS, HARMFUL)))
    lines.insert(draw.randrange(len(lines)), line)
    if how == 2 and b":" in line:
        name = line.partition(b":")[0]
        lines = [one for one in lines if one == line or not one.startswith(name)]
    return b"\r\n".join(lines) + sent[end:]


HARMLESS = (
    *(b"Retry-After: 1e999", b"Date: soon", b"Set-Cookie: a=b", b"X: " + b"x" * 5_000, b"Age: -1"),
    *(b"x-ms-resource-unit: inf", b"Server: \xe2\x84\x80", b"Keep-Alive: timeout=-1", b"Via: x y"),
)
HARMFUL = (
    *(b"Content-Length: -1", b"Content-Length: nan", b"Content-Length: 0", b"Content-Length: 1, 2"),
    *(b"Content-Length: " + b"9" * 20, b"Content-Length: " + b"9" * 5_000, b"Content-Length: 1e9"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Content-Encoding: gzip"),
    *(
        b"Content-Encoding: br",
        b"Content-Encoding: gzip, gzip",
        b"Connection: close",
        b"Upgrade: x",
    ),
    *(b"no colon", b": no name", b" folded", b"\x00: \x00", b"X: " + b"x" * 60_000, b"X: \xff\xfe"),
    *(b"HTTP/1.1 100 Continue", b"HTTP/1.1 200", b"HTTP/9.9 200 OK", b"HTTP/1.1 -1 OK", b"ICY 200"),
    *(b"HTTP/1.1 99999 OK", b"HTTP/1.1 \xd9\xa3\xd9\xa3\xd9\xa3 OK", b"", b"\r", b"\n\n"),
)
"""Lines that are put into a head, or into the place of the line of that name, by their effect."""


def change_on_the_wire(hostile: HostileServer, count: int, seed: int) -> Counter[str]:
    """Ask for answers whose bytes are changed anywhere, head included; count what came."""
    draw, outcomes, shown = random.Random(seed), Counter[str](), list[str]()
    transport = Transport(ca_file=hostile.ca_file, timeout=10)
    try:
        for number in range(count):
            answer = OWN[number % len(OWN)]
            sent = write_answer(answer)
            hostile.script = [steps(change_message(sent, draw), CLOSE)]
            try:
                response = transport.exchange("GET", f"{hostile.url}/v1.0/users", {})
            except Error as error:
                outcomes[error.code] += 1
                shown.append(str(error))
            else:
                outcomes["" if response.body else "empty"] += 1
    finally:
        transport.close()
    assert not [text for text in shown if SECRET_PLACE in text or SECRET_TOKEN in text]
    return outcomes


def test_bytes_changed_on_the_wire_are_an_answer_or_a_failure(hostile: HostileServer) -> None:
    """Over real connections: the status line, the headers, the length, the body."""
    outcomes = change_on_the_wire(hostile, 100, seed=0)

    assert outcomes.total() == 100
    assert outcomes[""] + outcomes["empty"] >= 50


@pytest.mark.nightly
def test_two_thousand_answers_changed_on_the_wire(hostile: HostileServer) -> None:
    """With the seed of the night."""
    outcomes = change_on_the_wire(hostile, 2_000, SEED)

    assert outcomes[""] + outcomes["empty"] >= 1_000
