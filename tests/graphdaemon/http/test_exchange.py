"""HTTP/1.1: where an answer ends, what may follow it, and what is refused."""

from __future__ import annotations

import itertools
import random
import ssl
from collections.abc import Iterable

import pytest

from graphdaemon.http.exchange import (
    AnswerCutError,
    AnswerMalformedError,
    Deadline,
    UnsendableError,
    is_cut,
)
from graphdaemon.http.failures import FAILURES
from graphdaemon.http.limits import LimitExceededError, Limits
from tests.support.hostile_server import answer, chunked, head
from tests.support.socket_pair import get, speaking

OK = answer(b"{}")
LENGTH_5 = "Content-Length: 5"
CHUNKED = "Transfer-Encoding: chunked"

WHOLE = {
    "with a length": (answer(b"12345"), b"12345"),
    "empty": (answer(b""), b""),
    "the same length twice": (head(200, LENGTH_5, LENGTH_5) + b"12345", b"12345"),
    "in chunks": (chunked(b"123", b"45"), b"12345"),
    "chunks with extensions": (head(200, CHUNKED) + b"5;a=b\r\n12345\r\n0\r\n\r\n", b"12345"),
    "chunks with a trailer": (head(200, CHUNKED) + b"5\r\n12345\r\n0\r\nA: b\r\n\r\n", b"12345"),
    "204, whatever its length says": (head(204, LENGTH_5), b""),
    "304, whatever its length says": (head(304, LENGTH_5), b""),
    "1.0 that keeps the connection open": (
        head(200, LENGTH_5, "Connection: keep-alive", version="1.0") + b"12345",
        b"12345",
    ),
    "after one informational response": (head(103, "Link: </a>") + answer(b"12345"), b"12345"),
    "after several": (head(100) + head(102) + head(103) * 5 + answer(b"12345"), b"12345"),
}


def name_reason(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


@pytest.mark.parametrize(("sent", "content"), WHOLE.values(), ids=WHOLE.keys())
def test_the_next_request_gets_the_next_answer(sent: bytes, content: bytes) -> None:
    """However the end of an answer is told, not a byte of it is left."""
    with speaking(sent + answer(b"next")) as http:
        first = get(http)[1]
        reusable = http.is_reusable()

    # All came at once, so that the second answer lies there without a request.
    assert (first, reusable) == (content, False)

    with speaking(sent) as http:
        assert get(http)[1] == content
        keeps_open = http.is_reusable()
        assert http.is_quiet()
    assert keeps_open == (b"HTTP/1.0" not in sent)


CLOSING = {
    "Connection: close": head(200, "Connection: close", LENGTH_5) + b"12345",
    "1.0": head(200, LENGTH_5, version="1.0") + b"12345",
    "more than the length": head(200, LENGTH_5) + b"123456",
    "a body behind 204": head(204) + b"12345",
    "an informational response too late": answer(b"12345") + head(103),
    "a second answer": answer(b"12345") + OK,
    "an empty line too many": answer(b"12345") + b"\r\n",
}


@pytest.mark.parametrize("sent", CLOSING.values(), ids=CLOSING.keys())
def test_a_connection_with_anything_left_on_it_is_not_used_again(sent: bytes) -> None:
    """What is left would be taken for the answer to the next request."""
    with speaking(sent) as http:
        content = get(http)[1]

        assert content in (b"12345", b"")
        assert not http.is_reusable()


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    """Nothing else tells its end, and nothing can follow it."""
    with speaking(head(200) + b"12345", ends=True) as http:
        assert get(http)[1] == b"12345"
        assert not http.is_reusable()


def test_an_answer_to_head_has_no_body_whatever_its_length_says() -> None:
    """The length is that of the answer to GET."""
    with speaking(head(200, "Content-Length: 99999999999")) as http:
        got, content = get(http, "HEAD")

        assert (got.status, got.headers.get("content-length"), content) == (200, "99999999999", b"")
        assert http.is_reusable()


MALFORMED = {
    "two lengths": head(200, LENGTH_5, "Content-Length: 6") + b"123456",
    "a list of lengths": head(200, "Content-Length: 5, 6") + b"123456",
    "a negative length": head(200, "Content-Length: -5"),
    "a length with a sign": head(200, "Content-Length: +5") + b"12345",
    "a length that is none": head(200, "Content-Length: five"),
    "a length of 30 digits": head(200, f"Content-Length: {'9' * 30}"),
    "a length beside chunks": head(200, LENGTH_5, CHUNKED) + b"5\r\n12345\r\n0\r\n\r\n",
    "chunks in 1.0": head(200, CHUNKED, version="1.0") + b"0\r\n\r\n",
    "another transfer coding": head(200, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "chunks twice": head(200, CHUNKED, CHUNKED) + b"0\r\n\r\n",
    "a negative chunk": head(200, CHUNKED) + b"-5\r\n12345\r\n",
    "a chunk of 30 digits": head(200, CHUNKED) + b"f" * 30 + b"\r\n12345",
    "a chunk without an end": head(200, CHUNKED) + b"5\r\n12345XX0\r\n\r\n",
    "a space before the colon": head(200, "Content-Length : 5") + b"12345",
    "a header without a name": head(200, ": 5"),
    "a header of zero bytes": head(200, "A: \0"),
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a status of 99": b"HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"<html>\r\n\r\n",
    "TLS in TLS": b"\x15\x03\x01\x00\x02\x02\x16\r\n\r\n",
    "another protocol": head(101, "Upgrade: x", "Connection: upgrade"),
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_an_answer_whose_end_can_be_read_in_two_ways_is_refused(sent: bytes) -> None:
    """Whoever is on the way may read it the other way, and so smuggle an answer in."""
    with speaking(sent) as http:
        with pytest.raises(AnswerMalformedError):
            get(http)

        assert not http.is_reusable()


@pytest.mark.parametrize(
    "sent",
    [head(200, LENGTH_5) + b"1234", head(200, CHUNKED) + b"5\r\n123", b"HTTP/1.1 20", head(103)],
)
def test_an_answer_that_breaks_off_is_no_answer(sent: bytes) -> None:
    """Half a page would be taken for the whole."""
    with speaking(sent, ends=True) as http, pytest.raises(AnswerCutError):
        get(http)


def test_an_end_without_an_answer_is_told_from_a_cut_answer() -> None:
    """Only then can nothing have been done yet, so that it may be sent again."""
    with speaking(b"", ends=True) as http:
        with pytest.raises(ConnectionResetError):
            get(http)
        assert not http.answered


LIMITS = Limits(
    head_bytes=500, headers=5, informational=3, sent_bytes=100_000, content_bytes=100_000
)
HUGE = {
    "an endless body": (head(200) + b"x" * 200_000, "sent_bytes"),
    "a huge length": (head(200, f"Content-Length: {10**18}") + b"x" * 200_000, "sent_bytes"),
    "a huge chunk": (head(200, CHUNKED) + b"f" * 15 + b"\r\n" + b"x" * 200_000, "sent_bytes"),
    "endless chunks": (head(200, CHUNKED) + b"1\r\nx\r\n" * 40_000, "sent_bytes"),
    "a long status line": (b"HTTP/1.1 200 " + b"x" * 20_000, "head_bytes"),
    "endless headers": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 5_000, "head_bytes"),
    "a long chunk extension": (head(200, CHUNKED) + b"5;" + b"x" * 20_000, "head_bytes"),
    "endless trailers": (head(200, CHUNKED) + b"0\r\n" + b"a: b\r\n" * 5_000, "head_bytes"),
    "many headers": (head(200, *["a: b"] * 6), "headers"),
    "endless informational responses": (head(103) * 4, "informational"),
}


@pytest.mark.parametrize(("sent", "limit"), HUGE.values(), ids=HUGE.keys())
def test_what_a_host_sends_without_end_is_left_at_the_limit(sent: bytes, limit: str) -> None:
    """The limit that ended it is named."""
    with speaking(sent, limits=LIMITS) as http, pytest.raises(LimitExceededError) as caught:
        get(http)

    assert caught.value.limit == limit
    assert limit in str(caught.value)


def test_what_is_exactly_as_large_as_the_limit_is_taken() -> None:
    """The limit itself is allowed."""
    body = b"x" * (100_000 - len(head(200, "Content-Length: 99999")))
    with speaking(answer(body), limits=LIMITS) as http:
        assert get(http)[1] == body


def test_a_whole_answer_has_a_deadline_however_steadily_it_comes() -> None:
    """Every byte is in time, and one a second would still never end."""
    clock = itertools.count()
    slow = speaking(head(200) + b"x" * 2_000_000, clock=lambda: float(next(clock)))
    with slow as http, pytest.raises(LimitExceededError) as caught:
        get(http, seconds=3)

    assert str(caught.value) == "takes longer than 3 s as a whole (the limit answer_seconds)"


def test_a_host_that_says_nothing_is_waited_for_no_longer_than_its_answer_may_take() -> None:
    """The shorter of the two times counts."""
    with speaking(b"") as http, pytest.raises(LimitExceededError, match="answer_seconds"):
        get(http, seconds=0.01)


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/a b", []),
        ("/\r\nHost: x", []),
        ("/ü", []),
        ("/", [("A", "b\r\nC: d")]),
        ("/", [("A b", "c")]),
        ("/", [("A", "ü")]),
    ],
)
def test_a_request_that_would_be_another_on_the_wire_is_not_sent(
    target: str, headers: list[tuple[str, str]]
) -> None:
    """Nothing is written, and the error does not repeat what may be a token."""
    with speaking(b"") as http, pytest.raises(UnsendableError) as caught:
        http.exchange("GET", target, [("Host", "x"), *headers], None, Deadline(1e9, 1e9))

    assert str(caught.value) == ""


RECORDED = [
    answer(b'{"value":[{"id":"1"}]}', "Content-Type: application/json", "request-id: 1-2"),
    chunked(b'{"value":', b'[{"id":"1"}]}', headers=("Content-Encoding: gzip", "Date: x")),
    head(103, "Link: </a>") + answer(b'{"error":{"code":"x"}}', "Retry-After: 5", status=429),
    head(200, "Connection: close") + b'{"value":[]}',
    head(204, "client-request-id: 1"),
]


def changed(draw: random.Random) -> bytes:
    """One of the answers with bytes changed, lost, doubled or swapped for what is odd there."""
    content = bytearray(draw.choice(RECORDED))
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(len(content))
        match draw.randrange(4):
            case 0:
                content[place] = draw.randrange(256)
            case 1:
                del content[place : place + draw.randint(1, 9)]
            case 2:
                content[place:place] = content[: draw.randint(1, 40)]
            case _:
                content[place:place] = draw.choice([b"\r\n", b"\n", b":", b"-1", b"\0", b"ffffff"])
    return bytes(content)


def read_all(answers: Iterable[bytes]) -> int:
    """Read answers, and return how many were whole; nothing but what is explained is raised."""
    whole = 0
    for sent in answers:
        with speaking(sent, ends=True) as http:
            try:
                get(http)
            except FAILURES:
                assert not http.is_reusable()
            else:
                whole += 1
    return whole


def test_no_answer_raises_what_cannot_be_explained() -> None:
    """500 answers that were changed, the same in every run; both outcomes are met often."""
    draw = random.Random(0)

    assert 100 < read_all(changed(draw) for _ in range(500)) < 400


@pytest.mark.nightly
def test_no_answer_of_very_many_raises_what_cannot_be_explained() -> None:
    """10,000 answers, others in every run."""
    draw = random.Random()

    assert read_all(changed(draw) for _ in range(10_000))


@pytest.mark.parametrize(
    ("error", "cut"),
    [
        (ssl.SSLEOFError(8, "EOF occurred in violation of protocol"), True),
        (name_reason("UNEXPECTED_EOF_WHILE_READING"), True),
        (name_reason("WRONG_VERSION_NUMBER"), False),
        (ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF)"), False),
        (ConnectionResetError(), False),
    ],
)
def test_a_line_is_cut_where_tls_did_not_say_that_it_ends(error: Exception, *, cut: bool) -> None:
    """By the exception that newer Pythons have for it, or by OpenSSL's reason in older ones."""
    assert is_cut(error) is cut
