"""Answers with something changed in them: a value, a header, the status, or bytes."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.recorded_answers import RecordedAnswer

# What stands for itself in JSON; the decoders of most languages fail on some of it.
_NUMBERS = (*"1e999 -1e999 NaN Infinity -0 1e-999 0.1 -1 1e3".split(), "9" * 5_000, "1" * 40)
_ABSURD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, "", " ", [], {}, [[]], [None], {"": ""}),
    *("nan", "1e999", "-5", "9" * 5_000, "٣", "soon", "\x00", "\x1b[2J\x9b2J", "\u202e", "\ud800"),
    *("x" * 100_000, " " * 100_000, "'" * 10_000, "eyJ" * 10_000, "AADSTS" + "7" * 5_000),
)
_LINKS = (
    *("https://[::1/", "https://evil.example/?a", "//evil.example", "https://\u2100.example/"),
    *("http://graph.microsoft.com/v1.0/users", "https://graph.microsoft.com@evil.example/", "/"),
    *("https://graph.microsoft.com:99999/v1.0/users", "https://graph.microsoft.com\\@evil/"),
    *("https://graph.microsoft.com/v1.0/users?\x00", "https://graph.microsoft.com/v1.0/users?b"),
)
_NAMES = (
    *("Retry-After", "x-ms-resource-unit", "x-ms-throttle-limit-percentage", "Date", "request-id"),
    *("Content-Type", "WWW-Authenticate", "Location", "Content-Encoding", "Transfer-Encoding"),
)
_VALUES = (
    *("nan", "inf", "1e999", "-1", "0", "1", "5000", "1" * 5_000, "", " ", "٣", "soon", "1_0"),
    *("Wed, 21 Oct 99999999999999999999 07:28:00 GMT", "Wed, 21 Oct 9999 23:59:00 -2359"),
    *("x" * 5_000, " " * 5_000, 'claims="', 'claims="eyJ"', 'Bearer claims="W10="', "a\x7fb"),
    *("https://[::1/", "//", "https://\u00e9/", "text/html", "application/json", "\x1b[2J"),
)
_STATUSES = (
    *(100, 200, 201, 204, 206, 301, 302, 304, 400, 401, 403, 404, 410, 418, 429, 451),
    *(500, 501, 502, 503, 504, 599, 600, 999),
)


def change_answer(answer: RecordedAnswer, draw: random.Random) -> RecordedAnswer:
    """Return `answer` with one to three changes, most of which leave valid JSON."""
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        answer = draw.choices(*zip(*_CHANGES, strict=True))[0](answer, draw)
    return answer


def _change_value(answer: RecordedAnswer, draw: random.Random) -> RecordedAnswer:
    content = _decode(answer.body)
    places = list(_list_places(content))
    if not places:
        return _change_header(answer, draw)
    # What stands outermost decides most, and there is little of it.
    holder, key = draw.choice(places[: len(content)] if draw.random() < 0.5 else places)
    how = draw.randrange(5)
    if how == 0 and isinstance(holder, dict):
        holder[draw.choice(("", "id", "error", "value", "@odata.nextLink", "x" * 9_999))] = (
            holder.pop(key)
        )
    elif how == 1:
        del holder[key]
    elif how == 2:
        other, name = draw.choice(places)
        holder[key] = json.loads(json.dumps(other[name]))
    else:
        holder[key] = draw.choice(_LINKS if "Link" in str(key) else (*_ABSURD, _LINKS[0]))
    return answer._replace(body=json.dumps(content).encode())


def _change_number(answer: RecordedAnswer, draw: random.Random) -> RecordedAnswer:
    """Put what no value of Python is written as into the place of a value."""
    content = _decode(answer.body)
    places = list(_list_places(content))
    if not places:
        return answer._replace(body=draw.choice(_NUMBERS).encode())
    holder, key = draw.choice(places)
    holder[key] = "\ue000"
    deep = "[" * 1_000 + "]" * 1_000, '{"a":' * 120 + "1" + "}" * 120, "[" * 90 + "]" * 90
    text = json.dumps(content).replace('"\\ue000"', draw.choice((*_NUMBERS, *deep)))
    return answer._replace(body=text.encode())


def _change_header(answer: RecordedAnswer, draw: random.Random) -> RecordedAnswer:
    name = draw.choice((*_NAMES, *answer.headers))
    return answer._replace(headers=dict(answer.headers) | {name: draw.choice(_VALUES)})


def _change_status(answer: RecordedAnswer, draw: random.Random) -> RecordedAnswer:
    return answer._replace(status=draw.choice(_STATUSES))


def _change_bytes(answer: RecordedAnswer, draw: random.Random) -> RecordedAnswer:
    return answer._replace(body=change_bytes(answer.body, draw))


def change_bytes(content: bytes, draw: random.Random) -> bytes:
    """Change, leave out, repeat or put in some bytes anywhere."""
    at = draw.randrange(len(content) + 1)
    size = draw.choice((1, 1, 2, 8, 64))
    put = draw.choice(
        (b"", content[at : at + size] * 2, draw.randbytes(size), b"\x00", b"\r\n", b'"', b"-")
    )
    return content[:at] + put + content[at + draw.choice((0, size)) :]


_CHANGES: tuple[tuple[Callable[[RecordedAnswer, random.Random], RecordedAnswer], int], ...] = (
    (_change_value, 6),
    (_change_number, 2),
    (_change_header, 4),
    (_change_status, 2),
    (_change_bytes, 2),
)


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _list_places(value: Any) -> Iterator[tuple[Any, Any]]:
    """List where values stand in a decoded text: what holds each, and its key or position."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        if not isinstance(holder, dict | list):
            continue
        for key in holder if isinstance(holder, dict) else range(len(holder)):
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
