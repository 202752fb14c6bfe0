"""
What Graph answers to those who list users: pages, ranges of names, a count, a quiet delta.

Every answer is made once and kept, as it goes over the line: in later rounds answering costs a look
into a dictionary. What a real Graph would answer otherwise is refused, never made up.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from bench.listing.directory import PROPERTIES, Directory
from bench.listing.wire import Request, write_response

LARGEST_PAGE, USUAL_PAGE = 999, 100

_CONDITION = re.compile(
    r"userPrincipalName (?P<operator>ge|le|eq) '(?P<value>(?:[^']|'')*)'"
    r"|startswith\(userPrincipalName,'(?P<prefix>(?:[^']|'')*)'\)"
)
# Real ones are opaque, and some hundred characters long.
_FILL = "RFNwdAoAAQAAAAAAAAAAFAAAAIk2b4Zx3XRDnQYyW8Hn1KcBAAAAAAAAAAAAAAAXMS4yLjg0MC4xMTM1NTYu" * 3
_KNOWN = frozenset("$top $select $filter $count $skiptoken $deltatoken".split())


class _Refusal(Exception):  # noqa: N818  Graph refuses, and nothing is wrong
    """What this Graph does not do."""


class Piece(NamedTuple):
    """The users that a question still has to bring: from ``start`` to before ``stop``."""

    start: int
    stop: int


class Graph:
    """
    Answers for one directory.

    Args:
        directory: Its users.
        gzip: Whether those who accept it get compressed pages.
    """

    def __init__(self, directory: Directory, *, gzip: bool = True) -> None:
        self._directory = directory
        self._gzip = gzip
        self._make_cached = lru_cache(maxsize=8192)(self._make)

    def answer(self, request: Request) -> bytes:
        """The whole response to ``request``."""
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return _write_error(401, "InvalidAuthenticationToken", "Access token is empty.")
        packed = self._gzip and "gzip" in request.headers.get("accept-encoding", "")
        return self._make_cached(request.base, request.path, request.query, packed=packed)

    def _make(self, base: str, path: str, query: str, *, packed: bool) -> bytes:
        options = dict(parse_qsl(query, keep_blank_values=True))
        if unknown := options.keys() - _KNOWN:
            return _write_error(400, "Request_UnsupportedQuery", f"Not here: {unknown}")
        # Microsoft's own SDK writes two slashes before users, and Graph takes it.
        resource = path.lower().replace("//", "/").removeprefix("/v1.0").removeprefix("/beta")
        try:
            if resource == "/users":
                body = self._page(f"{base}{path}", options)
            elif resource == "/users/delta":
                body = self._delta(f"{base}{path}", options)
            elif resource == "/users/$count":
                piece = self._find(options.get("$filter", ""))
                return write_response(200, str(piece.stop - piece.start).encode(), "text/plain")
            else:
                return _write_error(404, "Request_ResourceNotFound", f"There is no {path} here.")
        except _Refusal as refusal:
            return _write_error(400, "Request_UnsupportedQuery", str(refusal))
        if not packed:
            return write_response(200, body, headers=_cost(options))
        return write_response(200, zlib.compress(body, 1, 31), headers=_cost(options) | _PACKED)

    def _page(self, address: str, options: Mapping[str, str]) -> bytes:
        size = int(options.get("$top", USUAL_PAGE))
        if not 1 <= size <= LARGEST_PAGE:
            raise _Refusal(f"Invalid page size specified: '{size}'. Must be between 1 and 999.")
        token = options.get("$skiptoken")
        piece = self._find(options.get("$filter", "")) if token is None else _read_token(token)
        end = min(piece.start + size, piece.stop)
        head = {"@odata.context": _context(address.rpartition("/users")[0], options)}
        if "$count" in options:
            head["@odata.count"] = f"{piece.stop - piece.start}"
        if end < piece.stop:
            rest = {**options, "$skiptoken": _write_token(Piece(end, piece.stop))}
            head["@odata.nextLink"] = f"{address}?{_write_options(rest)}"
        users = self._directory.slice(piece.start, end)
        return _write_page(head, _select(users, options.get("$select", "")))

    def _delta(self, address: str, options: Mapping[str, str]) -> bytes:
        context = _context(address.rpartition("/users")[0], options)
        if "$deltatoken" in options:
            link = f"{address}?$deltatoken={_FILL}"
            return _write_page({"@odata.context": context, "@odata.deltaLink": link}, b"")
        if "$skiptoken" in options:
            raise _Refusal("Only the first page of a whole delta is served here.")
        # A page of users from all over, as a delta comes in no order of theirs.
        total = self._directory.total
        spread = range(0, total, max(1, total // USUAL_PAGE))
        users = b",".join(self._directory.slice(at, at + 1) for at in spread)
        link = f"{address}?$skiptoken={_FILL}"
        head = {"@odata.context": context, "@odata.nextLink": link}
        return _write_page(head, _select(users, options.get("$select", "")))

    def _find(self, condition: str) -> Piece:
        """What a filter means: names between two, or with one beginning."""
        piece = Piece(0, self._directory.total)
        if not condition:
            return piece
        for part in condition.split(" and "):
            found = _CONDITION.fullmatch(part.strip())
            if found is None:
                raise _Refusal(f"No filter but ranges of userPrincipalName is served here: {part}")
            here = self._directory.find(*_limits(found))
            piece = Piece(max(piece.start, here[0]), min(piece.stop, here[1]))
        return Piece(piece.start, max(piece.start, piece.stop))


_PACKED = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}


def _cost(options: Mapping[str, str]) -> dict[str, str]:
    """What an answer costs, by Microsoft's table: two units, and one where properties are named."""
    return {"x-ms-resource-unit": "1" if options.get("$select") else "2"}


def _limits(found: re.Match[str]) -> tuple[str | None, str | None]:
    if (prefix := found["prefix"]) is not None:
        start = prefix.replace("''", "'")
        return start, start + "\U0010ffff"
    value, operator = found["value"].replace("''", "'"), found["operator"]
    return (None if operator == "le" else value), (None if operator == "ge" else value)


def _context(root: str, options: Mapping[str, str]) -> str:
    names = options.get("$select")
    return f"{root}/$metadata#users" + (f"({names})" if names else "")


def _select(users: bytes, text: str) -> bytes:
    names = tuple(text.split(",")) if text else PROPERTIES
    if names == PROPERTIES:
        return users
    picked = ({name: user.get(name) for name in names} for user in json.loads(b"[%b]" % users))
    return json.dumps([*picked], ensure_ascii=False, separators=(",", ":")).encode()[1:-1]


def _write_page(head: Mapping[str, str], users: bytes) -> bytes:
    return json.dumps(head, separators=(",", ":")).encode()[:-1] + b',"value":[%b]}' % users


def _write_options(options: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}".replace(" ", "%20") for name, value in options.items())


def _write_token(piece: Piece) -> str:
    return f"{_FILL}p{piece.start}-{piece.stop}"


def _read_token(token: str) -> Piece:
    start, _, stop = token.rpartition("p")[2].partition("-")
    return Piece(int(start), int(stop))


def _write_error(status: int, code: str, message: str) -> bytes:
    body = {"error": {"code": code, "message": message}}
    return write_response(status, json.dumps(body).encode())
