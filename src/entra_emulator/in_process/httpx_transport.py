"""What httpx sends its requests by, when they are for an emulator in the same process."""

import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx

from entra_emulator.in_process.call import (
    InProcess,
    InProcessAnswer,
    InProcessRequest,
    LateAnswerError,
    NoAnswerError,
    OtherHostError,
)


class HttpxTransport(httpx.BaseTransport):
    """For `httpx.Client(transport=…)`."""

    def __init__(self, in_process: InProcess) -> None:
        self._in_process = in_process

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; httpx's own errors where a connection would have had them."""
        try:
            return _read(self._in_process.send(_write(request, request.read())))
        except (OtherHostError, NoAnswerError, LateAnswerError) as error:
            raise _translate(error, request) from error


class AsyncHttpxTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient(transport=…)`."""

    def __init__(self, in_process: InProcess) -> None:
        self._in_process = in_process

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; httpx's own errors where a connection would have had them."""
        try:
            sent = _write(request, await request.aread())
            return _read(await self._in_process.send_async(sent))
        except (OtherHostError, NoAnswerError, LateAnswerError) as error:
            raise _translate(error, request) from error


def trust(ca_file: Path) -> httpx.BaseTransport:
    """A transport of httpx itself, which trusts this authority alone."""
    return httpx.HTTPTransport(verify=ssl.create_default_context(cafile=str(ca_file)))


def trust_async(ca_file: Path) -> httpx.AsyncBaseTransport:
    """A transport of httpx itself, which trusts this authority alone."""
    return httpx.AsyncHTTPTransport(verify=ssl.create_default_context(cafile=str(ca_file)))


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The bytes that came, and the break behind them if there was one."""

    def __init__(self, answer: InProcessAnswer) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield self._answer.body
        if not self._answer.whole:
            raise httpx.RemoteProtocolError("the connection was broken off within the body")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def _write(request: httpx.Request, body: bytes) -> InProcessRequest:
    patience = request.extensions.get("timeout", {}).get("read")
    return InProcessRequest(request.method, str(request.url), request.headers.raw, body, patience)


def _read(answer: InProcessAnswer) -> httpx.Response:
    return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))


def _translate(error: Exception, request: httpx.Request) -> httpx.TransportError:
    match error:
        case OtherHostError():
            return httpx.ConnectError(str(error), request=request)
        case LateAnswerError():
            return httpx.ReadTimeout(str(error), request=request)
        case _:
            return httpx.ReadError(str(error), request=request)
