"""Limits on the size of a server's answer, and on the time that it may take."""

from typing import NamedTuple


class Limits(NamedTuple):
    """
    The limits for an answer, whichever server sends it.

    The defaults are far above what Entra ID and Graph send: a page of 999 users has 0.3 MB, or 5 MB
    with every property, and its headers have 2 kB.

    Attributes:
        connect_seconds: The time for each step of making a connection: TCP to one address of the
            host, the answer of the proxy, the TLS handshake. The timeout of the transport counts
            instead if it is shorter.
        answer_seconds: The time for sending a request and reading the whole answer; None for ten
            times the timeout of the transport, which limits each single wait.
        head_bytes: The length of the status line with all headers; also that of the size line of
            a chunk, and of the trailers.
        headers: The number of headers of an answer.
        informational: The number of informational responses (1xx) before an answer.
        sent_bytes: The length of a whole answer as it is sent.
        content_bytes: The length of its content after decompression.
        close_seconds: How long closing the transport waits for its threads to end.
    """

    connect_seconds: float = 10.0
    answer_seconds: float | None = None
    head_bytes: int = 64 << 10
    headers: int = 256
    informational: int = 16
    sent_bytes: int = 64 << 20
    content_bytes: int = 128 << 20
    close_seconds: float = 3.0


class LimitExceededError(Exception):
    """
    An answer exceeds a limit.

    Attributes:
        limit: The name of the limit, which is an attribute of `Limits`.
        value: The value of the limit, in its unit.
    """

    def __init__(self, limit: str, value: float) -> None:
        super().__init__(limit, value)
        self.limit = limit
        self.value = value

    def __str__(self) -> str:
        words = _WORDS[self.limit].format(value=self.value, megabytes=self.value / (1 << 20))
        return f"{words} (the limit {self.limit})"


_WORDS = {
    "answer_seconds": "takes longer than {value:g} s as a whole",
    "head_bytes": "has headers of more than {value:,} bytes",
    "headers": "has more than {value} headers",
    "informational": "comes after more than {value} informational responses",
    "sent_bytes": "is larger than {megabytes:g} MB",
    "content_bytes": "is larger than {megabytes:g} MB when decompressed",
}
