"""One mistake in a request that was valid."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from tests.support.graph_requests import Request, encode

Draw = random.Random

WORDS = """
    id displayName userPrincipalName mail members memberOf manager owners appId createdDateTime
    proxyAddresses/any(p:p accountEnabled * true false null eq ne not in and or ( ) ' , 1 0 -1 999
    1000 2020-01-01T00:00:00Z startswith( endswith( contains( any(x:x/$count $count latest "a:b"
    displayName:a desc asc $select=id; $levels=max 00000003-0000-0000-c000-000000000000 %00 %ff
    \u00e4 \U0001f600 /../ ' '' """.split()
OPTIONS = (
    "$select $filter $orderby $search $top $count $expand $skiptoken $deltatoken $format".split()
)
RAW = [b"", b"{", b"[]", b"null", b"\xff", b'"x"', b"1e999", b"[" * 5000, b"{" + b'"a":' * 3]
_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1e300, 2**70, "", "x", "a" * 300, [], {}, [[]], [None], {"a": {}}),
    *("2030-01-01T00:00:00Z", "\x00", "\u00e4", "00000003-0000-0000-c000-000000000000"),
]


def spoil(draw: Draw, text: str) -> str:
    """The text cut, or with something in the middle."""
    at = draw.randrange(len(text)) if text else 0
    return draw.choice([text[:at], text[at:], text[:at] + draw.choice(WORDS) + text[at:], ""])


def make_mistake(draw: Draw, request: Request, token: str, theirs: Sequence[str]) -> dict[str, Any]:
    """The arguments to send the request with, after one thing in it was made wrong."""
    make = draw.choice(_MISTAKES if request.body is None else (*_MISTAKES, *_BODY_MISTAKES * 2))
    if make is _spoil_token:
        return encode(request, draw, spoil(draw, token))
    make(draw, request, theirs)
    arguments = encode(request, draw, token)
    if make is _send_bytes:
        arguments["body"] = draw.choice(RAW)
    return arguments


def _spoil_path(draw: Draw, request: Request, _: Sequence[str]) -> None:
    request.path = spoil(draw, request.path)


def _name_a_stranger(draw: Draw, request: Request, theirs: Sequence[str]) -> None:
    parts = request.path.split("/")
    parts[draw.randrange(len(parts))] = draw.choice(theirs)
    request.path = "/".join(parts)


def _spoil_option(draw: Draw, request: Request, _: Sequence[str]) -> None:
    if request.options:
        name = draw.choice(sorted(request.options))
        request.options[name] = spoil(draw, request.options[name])
    else:
        _add_option(draw, request, _)


def _add_option(draw: Draw, request: Request, _: Sequence[str]) -> None:
    words = draw.choice(["", " ", ","]).join(draw.choices(WORDS, k=draw.randint(0, 6)))
    request.options[draw.choice(OPTIONS)] = words


def _change_consistency(_: Draw, request: Request, __: Sequence[str]) -> None:
    request.eventual = not request.eventual


def _change_method(draw: Draw, request: Request, _: Sequence[str]) -> None:
    request.method = draw.choice(["GET", "POST", "PUT", "PATCH", "TRACE", "HEAD"])


def _spoil_token(_: Draw, __: Request, ___: Sequence[str]) -> None:
    """The token is spoilt where it is sent."""


def _send_bytes(_: Draw, __: Request, ___: Sequence[str]) -> None:
    """The body is replaced where it is sent."""


def _spoil_value(draw: Draw, request: Request, theirs: Sequence[str]) -> None:
    request.body = _replace_one(draw, request.body, [*_VALUES, draw.choice(theirs)])


def _spoil_words(draw: Draw, request: Request, theirs: Sequence[str]) -> None:
    """A text in the body is cut, or another property is there too."""
    text = json.dumps(request.body)
    spoilt = text.replace('"', f'"{draw.choice(WORDS)}', 1)
    try:
        request.body = json.loads(spoilt)
    except ValueError:
        _spoil_value(draw, request, theirs)


def _replace_one(draw: Draw, value: Any, others: Sequence[Any]) -> Any:
    """The value with another one somewhere in it."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        name = draw.choice(sorted(value))
        if draw.random() < 0.15:
            return {key: one for key, one in value.items() if key != name}
        return value | {name: _replace_one(draw, value[name], others)}
    if isinstance(value, list) and value and draw.random() < 0.7:
        at = draw.randrange(len(value))
        return [*value[:at], _replace_one(draw, value[at], others), *value[at + 1 :]]
    return draw.choice(others)


_Mistake = Callable[[Draw, Request, Sequence[str]], None]
_MISTAKES: tuple[_Mistake, ...] = (
    _spoil_path,
    _name_a_stranger,
    _spoil_option,
    _spoil_option,
    _add_option,
    _change_consistency,
    _change_method,
    _spoil_token,
)
_BODY_MISTAKES: tuple[_Mistake, ...] = (_spoil_value, _spoil_words, _send_bytes)
