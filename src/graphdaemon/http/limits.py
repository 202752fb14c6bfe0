"""How much of a server's answer is taken, and how long for: a limit of each kind, with its name."""

from typing import NamedTuple


class Limits(NamedTuple):
    """
    What one answer may cost, whoever sends it.

    The defaults are far above what Entra ID and Graph send: a page of 999 users has 0.3 MB, or 5 MB
    with every property, and its head has 2 kB.

    Attributes:
        connect_seconds: For each step of making a connection: TCP to one address of the host, the
            proxy's answer, TLS. A shorter timeout of the transport takes its place.
        answer_seconds: For sending a request and reading its whole answer; None is ten times the
            timeout of the transport, which counts for each single wait.
        head_bytes: Of a status line with its headers, of a chunk's size line, and of trailers.
        headers: Number of headers of an answer.
        informational: Number of informational responses (1xx) before an answer.
        sent_bytes: Of a whole answer as it is sent.
        content_bytes: Of its content after decompression.
        close_seconds: For the threads to end when the transport is closed.
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
    An answer goes beyond a limit.

    Attributes:
        limit: The name of an attribute of `Limits`.
        value: Its value.
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
