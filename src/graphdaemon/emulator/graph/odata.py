"""
Query options: read, judged, turned into what the directory is asked. Pure.

Also the opaque page token: a position in an order, signed, bound to its query.
"""

import base64
import binascii
import hmac
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from graphdaemon.emulator import schema
from graphdaemon.emulator.errors import deny
from graphdaemon.emulator.graph.advanced import Mode, check_filter
from graphdaemon.emulator.graph.expand import Expand
from graphdaemon.emulator.graph.filter import Predicate, compile_filter, parse_filter
from graphdaemon.emulator.graph.plan import Plan
from graphdaemon.emulator.graph.search import parse_search
from graphdaemon.emulator.shelf import Position

__all__ = [
    "Query",
    "open_position",
    "parse_options",
    "read_query",
    "read_select",
    "read_single",
    "render_records",
    "seal_position",
]

DEFAULT_PAGE = 100
MAX_PAGE = 999

_OPTIONS = frozenset(
    {
        "$count",
        "$expand",
        "$filter",
        "$format",
        "$orderby",
        "$search",
        "$select",
        "$skip",
        "$skiptoken",
        "$top",
    }
)
_COLUMNS = {"displayName": "name", "userPrincipalName": "key"}
# "DSpt", version 2: so begins every recorded token once decoded.
_MAGIC = b"DSpt\x02\x00"
_HEAD = struct.Struct(">6sdq")
_MAC = 16


_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Query:
    """
    A listing as asked for.

    Args:
        kind: the type listed, e.g. "user", or "directoryObject" for several.
        select: the properties to show in this order; None shows the default set.
        expand: the related objects to show inside each.
        top: the most records on a page.
        plan: which objects, by what the store has an index for.
        match: what the plan does not cover, asked of a document's bytes; None takes all.
        count: give the total with the first page.
        page_token: where an earlier page ended.
        link: the options to repeat in the next link, as they were sent.
        binding: what a page token of this query is bound to.
        small: `$top` below 20, which costs less.
        eventual: `ConsistencyLevel: eventual` is there, so that the other index answers.
    """

    kind: str
    select: tuple[str, ...] | None
    expand: Expand | None
    top: int
    plan: Plan
    match: Callable[[bytes], bool] | None
    count: bool
    page_token: str | None
    link: str
    binding: bytes
    small: bool
    eventual: bool


def parse_options(raw: str) -> dict[str, str]:
    """
    The `$` options of a query string with decoded values; others are ignored.

    Raises:
        GraphFault: 400 for an unknown or a repeated option.
    """
    options: dict[str, str] = {}
    for _, name, value in _split(raw):
        if not name.startswith("$"):
            continue
        if name not in _OPTIONS:
            raise deny("option_unknown", option=name)
        if name in options:
            raise deny("option_repeated", option=name)
        options[name] = value
    return options


def read_query(
    kind: str, raw: str, *, eventual: bool, strict: bool = False, counting: bool = False
) -> Query:
    """
    The listing that a query string asks for.

    Args:
        kind: the type listed, e.g. "user".
        raw: the query string as sent.
        eventual: the header `ConsistencyLevel: eventual` is there.
        strict: see `Mode`.
        counting: the request is for `/$count`.

    Raises:
        GraphFault: 400 or 501, with the text the real Graph has where it is known.
    """
    options = parse_options(raw)
    if "$skip" in options:
        raise deny("skip_refused")
    if "$expand" in options:
        raise deny("not_emulated", what="$expand")
    count = _read_boolean("$count", options.get("$count", "false"))
    mode = Mode(eventual, count or counting, strict)
    top = _read_top(options.get("$top"))
    return Query(
        kind,
        read_select(kind, options.get("$select", ""), collection=True),
        None,
        top or DEFAULT_PAGE,
        Plan(*_read_order(kind, options, mode)),
        _read_match(kind, options, mode),
        count and eventual,
        options.get("$skiptoken"),
        "&".join(part for part, name, _ in _split(raw) if name != "$skiptoken"),
        _bind(kind, options, eventual),
        small=top is not None and top < 20,
        eventual=eventual,
    )


def read_single(kind: str, raw: str) -> tuple[tuple[str, ...] | None, Expand | None]:
    """
    The properties to show, and what to expand, of one object.

    Raises:
        GraphFault: 400 or 501.
    """
    options = parse_options(raw)
    if "$expand" in options:
        raise deny("not_emulated", what="$expand")
    return read_select(kind, options.get("$select", ""), collection=False), None


def read_select(kind: str, text: str, *, collection: bool) -> tuple[str, ...] | None:
    """
    The canonical names in `$select`, each once; None when it is empty.

    The real service may let unknown names of the open user type pass; refusing
    them finds typing errors.
    """
    names: list[str] = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        if item == "*":
            hidden = schema.SINGLE_USER_ONLY | {"signInActivity"}
            names += [n for n in schema.declared(kind) if n not in hidden]
            continue
        if not item.isidentifier():
            raise deny("select_malformed", name=item)
        name = schema.canonical(kind, item)
        if name is None:
            raise deny("select_unknown", name=item, kind=kind)
        if collection and name in schema.SINGLE_USER_ONLY:
            raise deny("not_on_collection")
        if name == "signInActivity":
            raise deny("premium_only")
        names.append(name)
    return tuple(dict.fromkeys(names)) or None


def render_records(kind: str, names: tuple[str, ...], docs: list[bytes]) -> bytes:
    """The documents as a JSON array's inside, each with these properties in this order."""
    decode, encode = _row_codec(kind, names)
    return encode([decode(doc) for doc in docs])[1:-1]


def seal_position(key: bytes, binding: bytes, now: float, position: Position) -> str:
    """A page token: base64url, good for this query only."""
    value = b"" if position.value is None else b"=" + position.value.encode()
    body = _HEAD.pack(_MAGIC, now, position.seq) + value
    mac = hmac.digest(key, binding + body, "sha256")[:_MAC]
    return base64.urlsafe_b64encode(body + mac).decode().rstrip("=")


def open_position(key: bytes, binding: bytes, now: float, age: float, token: str) -> Position:
    """
    The position in a page token of this query that is at most `age` seconds old.

    Raises:
        GraphFault: 400, altered or of another query, or expired.
    """
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise deny("page_token_invalid") from error
    body, mac = data[:-_MAC], data[-_MAC:]
    expected = hmac.digest(key, binding + body, "sha256")[:_MAC]
    if len(body) < _HEAD.size or not hmac.compare_digest(mac, expected):
        raise deny("page_token_invalid")
    _, issued, seq = _HEAD.unpack_from(body)
    if now - issued > age:
        raise deny("page_token_expired")
    value = body[_HEAD.size :].decode()
    return Position(value[1:] if value else None, seq)


def _split(raw: str) -> list[tuple[str, str, str]]:
    """Each part of a query string as (as sent, decoded lower-case name, decoded value)."""
    parts = []
    for part in filter(None, raw.split("&")):
        name, _, value = part.partition("=")
        parts.append((part, unquote_plus(name).strip().lower(), unquote_plus(value)))
    return parts


def _bind(kind: str, options: Mapping[str, str], eventual: bool) -> bytes:
    asked = sorted((k, v) for k, v in options.items() if k not in {"$skiptoken", "$format"})
    return msgspec.json.encode([kind, eventual, asked])


def _read_top(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise deny("option_malformed", option="$top", value=text, wanted="non-negative integer")
    if not 1 <= int(text[:9]) <= MAX_PAGE:
        raise deny("page_size", size=text)
    return int(text)


def _read_boolean(option: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise deny("option_malformed", option=option, value=text, wanted="boolean")
    return text == "true"


def _read_match(
    kind: str, options: Mapping[str, str], mode: Mode
) -> Callable[[bytes], bool] | None:
    predicate = _read_predicate(kind, options, mode)
    return None if predicate is None else lambda doc: predicate(_decode(doc))


def _read_predicate(kind: str, options: Mapping[str, str], mode: Mode) -> Predicate | None:
    parts: list[Predicate] = []
    if "$search" in options:
        if not mode.eventual:
            raise deny("search_refused")
        parts.append(parse_search(kind, options["$search"]))
    if "$filter" in options:
        node = parse_filter(kind, options["$filter"])
        check_filter(kind, node, mode)
        parts.append(compile_filter(node))
    if len(parts) == 2:
        return lambda doc: all(part(doc) for part in parts)
    return parts[0] if parts else None


def _read_order(kind: str, options: Mapping[str, str], mode: Mode) -> tuple[str, bool]:
    if "$orderby" not in options:
        return "seq", False
    words = options["$orderby"].split()
    if not words or len(words) > 2 or words[1:] not in ([], ["asc"], ["desc"]):
        reason = f"Syntax error in '{options['$orderby']}'."
        raise deny("orderby_malformed", reason=reason)
    name = schema.canonical(kind, words[0])
    if name is None:
        reason = f"Could not find a property named '{words[0]}' on type 'microsoft.graph.{kind}'."
        raise deny("orderby_malformed", reason=reason)
    if name not in _COLUMNS or ("$filter" in options and not mode.advanced):
        raise deny("sort_refused")
    return _COLUMNS[name], words[1:] == ["desc"]


@lru_cache(maxsize=128)
def _row_codec(
    kind: str, names: tuple[str, ...]
) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    """A decoder that slices only these properties out, and an encoder that writes the slices."""
    fields = [
        (name, msgspec.Raw, msgspec.Raw(b"null" if schema.blank(kind, name) is None else b"[]"))
        for name in names
    ]
    row = msgspec.defstruct("Row", fields)
    return msgspec.json.Decoder(row).decode, msgspec.json.Encoder().encode
