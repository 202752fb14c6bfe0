"""
The form of a recording: lines of JSON, the first of which says what it is.

Every other line is an entry of HAR 1.2, with the caller's claims as `_caller` besides. Lines can be
written as they come, so that a program that is killed leaves what it recorded; a HAR file is one
document, which is no JSON until its end.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from entra_emulator.clock import format_iso
from entra_emulator.web.exchange import Exchange, Headers, find_header

VERSION = 1

# The longest line that is read: an answer is some megabytes at most.
_LONGEST = 64 * 1024 * 1024

_encode = msgspec.json.Encoder().encode


class RecordingError(ValueError):
    """A file is no recording, or a line of it is not what it should be; the text says which."""


class _Message(msgspec.Struct):
    """The headers of a request or an answer, and what else both have."""

    headers: list[dict[str, str]] = []


class _PostData(msgspec.Struct):
    text: str = ""


class _Request(_Message):
    method: str = "GET"
    url: str = ""
    postData: _PostData = msgspec.field(default_factory=_PostData)  # noqa: N815 - HAR's name


class _Content(msgspec.Struct):
    text: str = ""


class _Response(_Message):
    status: int = 0
    content: _Content = msgspec.field(default_factory=_Content)


class _Entry(msgspec.Struct):
    startedDateTime: str  # noqa: N815 - HAR's name
    time: float
    request: _Request
    response: _Response
    connection: str = ""
    caller: dict[str, Any] = msgspec.field(name="_caller", default_factory=dict)


class _Header(msgspec.Struct):
    recording: str
    version: int


_decode_entry = msgspec.json.Decoder(_Entry).decode
_decode_header = msgspec.json.Decoder(_Header).decode


def write_header(started: float) -> bytes:
    """The first line of a recording that began at this moment."""
    header = {"recording": "graphdaemon", "version": VERSION, "started": format_iso(started)}
    return _encode(header) + b"\n"


def is_header(line: bytes) -> bool:
    """Whether this is the first line of a recording, of any version."""
    try:
        return _decode_header(line).recording == "graphdaemon"
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def write_entry(exchange: Exchange) -> bytes:
    """The line of an exchange, which has been redacted."""
    took = max(0.0, exchange.ended - exchange.started) * 1000
    request: dict[str, Any] = {
        "method": exchange.method,
        "url": exchange.url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _list_headers(exchange.request_headers),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(urlsplit(exchange.url).query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(exchange.request_body),
    }
    if exchange.request_body:
        kind = find_header(exchange.request_headers, "content-type")
        request["postData"] = {"mimeType": kind, "text": exchange.request_body.decode()}
    entry = {
        "startedDateTime": format_iso(exchange.started, 7),
        "time": took,
        "request": request,
        "response": {
            "status": exchange.status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": _list_headers(exchange.response_headers),
            "content": {
                "size": len(exchange.response_body),
                "mimeType": find_header(exchange.response_headers, "content-type"),
                "text": exchange.response_body.decode(),
            },
            "redirectURL": find_header(exchange.response_headers, "location"),
            "headersSize": -1,
            "bodySize": len(exchange.response_body),
        },
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
        "connection": exchange.connection,
        "_caller": dict(exchange.caller),
    }
    return _encode(entry) + b"\n"


def read_exchanges(path: Path) -> Iterator[Exchange]:
    """
    The exchanges of a recording; a last line that a kill has cut is left out.

    Raises:
        RecordingError: it is no recording, of another version, or a line is no entry.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        _check_header(path, file.readline(_LONGEST))
        number = 1
        while line := file.readline(_LONGEST):
            number += 1
            if line.endswith(b"\n"):
                yield _read_entry(f"{path}, line {number}", line)
            elif len(line) == _LONGEST:
                raise RecordingError(f"{path}, line {number}: it is longer than any entry.")


def _check_header(path: Path, line: bytes) -> None:
    try:
        header = _decode_header(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        header = _Header("", 0)
    if header.recording != "graphdaemon":
        raise RecordingError(
            f"{path} is no recording: its first line does not say so. Make one with "
            "`graphdaemon record`, or with --record."
        )
    if header.version != VERSION:
        raise RecordingError(
            f"{path} is a recording of version {header.version}, and {VERSION} is known here. "
            "Read it with the version of graphdaemon that wrote it."
        )


def _read_entry(place: str, line: bytes) -> Exchange:
    try:
        entry = _decode_entry(line)
        started = datetime.fromisoformat(entry.startedDateTime).timestamp()
        headers = _read_headers(entry.request), _read_headers(entry.response)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, KeyError) as error:
        raise RecordingError(
            f"{place}: this is no entry of a recording ({error}). Leave the line out."
        ) from None
    return Exchange(
        started,
        started + entry.time / 1000,
        entry.connection,
        entry.request.method,
        entry.request.url,
        headers[0],
        entry.request.postData.text.encode(),
        entry.response.status,
        headers[1],
        entry.response.content.text.encode(),
        entry.caller,
    )


def _list_headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _read_headers(message: _Message) -> Headers:
    return tuple((one["name"].lower(), one["value"]) for one in message.headers)
