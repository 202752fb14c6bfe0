"""One HTTP answer, as the transport returns it and everything above reads it."""

from http.client import HTTPMessage
from typing import NamedTuple


class Response(NamedTuple):
    """An answer, read to its end; headers are looked up without regard to case."""

    status: int
    headers: HTTPMessage
    body: bytes
