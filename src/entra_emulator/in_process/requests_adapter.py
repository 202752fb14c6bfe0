"""What requests sends its requests by, when they are for an emulator in the same process."""

import http.client
import io
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import requests
import urllib3

from entra_emulator.in_process.call import (
    InProcess,
    InProcessAnswer,
    InProcessRequest,
    LateAnswerError,
    NoAnswerError,
    OtherHostError,
)


def make_session(in_process: InProcess) -> requests.Session:
    """A session that sends all its requests to the application."""
    session = requests.Session()
    adapter = RequestsAdapter(in_process)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def trust(ca_file: Path) -> requests.Session:
    """A session that trusts this authority, whatever the environment says."""
    session = requests.Session()
    # A proxy of the environment cannot reach this machine, nor does its bundle know the authority.
    session.trust_env = False
    session.verify = str(ca_file)
    return session


class RequestsAdapter(requests.adapters.HTTPAdapter):
    """For `requests.Session().mount("https://", …)`."""

    def __init__(self, in_process: InProcess) -> None:
        super().__init__()
        self._in_process = in_process

    def send(  # noqa: PLR0917 - as requests calls it
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the answer is there already
        timeout: Any = None,
        verify: Any = True,  # noqa: ARG002 - nothing is encrypted
        cert: Any = None,  # noqa: ARG002 - nor is anybody asked for a certificate
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002 - nor is there a way between
    ) -> requests.Response:
        """The answer; errors of requests' own where a connection would have had them."""
        try:
            answer = self._in_process.send(_write(request, timeout))
        except OtherHostError as error:
            raise requests.exceptions.ConnectionError(str(error), request=request) from error
        except LateAnswerError as error:
            raise requests.exceptions.ReadTimeout(str(error), request=request) from error
        except NoAnswerError as error:
            raise requests.exceptions.ConnectionError(str(error), request=request) from error
        return self.build_response(request, _read(answer, request))


class _Body(io.RawIOBase):
    """The bytes that came, and the break behind them if there was one."""

    def __init__(self, answer: InProcessAnswer) -> None:
        self._rest, self._whole = io.BytesIO(answer.body), answer.whole

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._rest.readinto(buffer)
        if not count and len(buffer) and not self._whole:
            raise http.client.IncompleteRead(b"")
        return count


def _write(request: requests.PreparedRequest, timeout: Any) -> InProcessRequest:
    assert request.url is not None, "it was prepared"
    assert request.method is not None, "it was prepared"
    patience = timeout[1] if isinstance(timeout, tuple) else timeout
    headers = [(_encode(name), _encode(value)) for name, value in request.headers.items()]
    return InProcessRequest(
        request.method, request.url, headers, _read_body(request.body), patience
    )


def _encode(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def _read_body(body: Any) -> bytes:
    """The whole body, which requests takes as text, bytes, a file or an iterable."""
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes):
        return body
    return body.read() if hasattr(body, "read") else b"".join(map(_encode, body))


def _read(answer: InProcessAnswer, request: requests.PreparedRequest) -> urllib3.HTTPResponse:
    headers = http.client.HTTPMessage()
    for name, value in answer.headers:
        headers.add_header(name.decode("latin-1"), value.decode("latin-1"))
    return urllib3.HTTPResponse(
        io.BufferedReader(_Body(answer)),
        headers=urllib3.HTTPHeaderDict(headers.items()),
        status=answer.status,
        reason=http.client.responses.get(answer.status),
        preload_content=False,
        request_method=request.method,
        # Cookies are read from here.
        original_response=SimpleNamespace(  # type: ignore[arg-type]  # as much of it as is used
            msg=headers, isclosed=lambda: True, close=lambda: None
        ),
    )
