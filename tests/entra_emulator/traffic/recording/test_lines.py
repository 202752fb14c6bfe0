"""The lines of a recording, written and read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from entra_emulator.traffic.recording.lines import (
    RecordingError,
    is_header,
    read_exchanges,
    write_entry,
    write_header,
)
from tests.support.logged_calls import exchange

ONE = exchange(
    "POST",
    "/v1.0/users?$top=5&a=",
    {"value": []},
    body={"a": 1},
    sent={"content-type": "application/json"},
    received={"location": "https://x/y", "content-type": "text/plain"},
)


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(lines))
    return path


def test_round_trip(tmp_path: Path) -> None:
    """What was written is read again, times within a microsecond."""
    path = write(tmp_path / "r", write_header(0.0), write_entry(ONE), write_entry(exchange()))
    first, second = read_exchanges(path)
    assert first._replace(started=0, ended=0) == ONE._replace(started=0, ended=0)
    assert (first.started, first.ended) == pytest.approx((100.0, 100.5), abs=1e-6)
    assert second.request_body == b""


def test_it_is_har() -> None:
    """Each line has what HAR 1.2 demands of an entry, and so can be wrapped into a HAR file."""
    entry = json.loads(write_entry(ONE))
    assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= entry.keys()
    assert {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize"} <= (
        entry["request"].keys()
    )
    assert entry["request"]["queryString"] == [
        {"name": "$top", "value": "5"},
        {"name": "a", "value": ""},
    ]
    assert entry["request"]["postData"] == {"mimeType": "application/json", "text": '{"a": 1}'}
    assert {"status", "statusText", "httpVersion", "cookies", "headers", "content"} <= (
        entry["response"].keys()
    )
    assert entry["response"]["redirectURL"] == "https://x/y"
    assert entry["time"] == 500.0


def test_a_cut_line(tmp_path: Path) -> None:
    """What a kill cut off is left out."""
    path = write(tmp_path / "r", write_header(0.0), write_entry(ONE), write_entry(ONE)[:-9])
    assert len(list(read_exchanges(path))) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no recording"),
        (b'{"log":{"entries":[]}}\n', "is no recording"),
        (b"\xff\n", "is no recording"),
        (b'{"recording":"graphdaemon","version":2}\n', "of version 2, and 1 is known here"),
        (write_header(0.0) + b"{}\n", "line 2: this is no entry of a recording"),
        (write_header(0.0) + b"\xff\n", "line 2: this is no entry"),
        (write_header(0.0) + write_entry(ONE).replace(b"1970", b"once"), "line 2: this is no"),
        (write_header(0.0) + write_entry(ONE).replace(b'"value"', b'"x"'), "line 2: this is no"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, content: bytes, words: str) -> None:
    path = write(tmp_path / "r", content)
    with pytest.raises(RecordingError, match=words) as raised:
        list(read_exchanges(path))
    assert str(path) in str(raised.value)


def test_headers() -> None:
    assert is_header(write_header(5.0))
    assert is_header(b'{"recording":"graphdaemon","version":9,"more":1}')
    assert not is_header(b'{"recording":"other","version":1}')
    assert not is_header(b"\xff")
