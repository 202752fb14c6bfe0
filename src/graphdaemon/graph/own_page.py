"""
Read the page of an API that is not Graph: a plain list, or an object with a list in `value`.

Nothing here is read from or sent to the network: functions take a response, and return a value or
raise an exception.
"""

import re
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import msgspec

from graphdaemon.errors import GraphError, UsageError
from graphdaemon.graph.links import altered, follow, path_of
from graphdaemon.graph.page import Page, malformed, read_object
from graphdaemon.http.response import Response
from graphdaemon.received.json import check_depth
from graphdaemon.received.numbers import read_count
from graphdaemon.received.text import quote

# One link of a Link header (RFC 8288, 3), and one of its parameters.
_LINK = re.compile(r"<([^<>]*)>([^<>]*)")
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s";,]+))', re.IGNORECASE)
# Characters of a Link header that are read; no API sends a longer one.
_LONGEST_HEADER = 8_192


class _Envelope(msgspec.Struct):
    value: list[msgspec.Raw]
    odata_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    next_link: str | None = msgspec.field(name="nextLink", default=None)
    total: int | None = msgspec.field(name="@odata.count", default=None)


class _Identified(msgspec.Struct, gc=False):
    id: str | int | None = None


_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_identified = msgspec.json.Decoder(_Identified).decode


class _Content(NamedTuple):
    records: list[msgspec.Raw]
    link: str | None = None
    total: int | None = None


def read_own_page(response: Response, url: str) -> Page:
    """
    Split an answer into records, which may be any JSON, with or without an `id`.

    The answer is a list, or an object with a list in `value`. The next page is named by
    `@odata.nextLink` (OData), by `nextLink` (Microsoft's REST guidelines) or by a Link header with
    `rel="next"` (RFC 8288). A relative link is resolved against `url`. The number of all records
    is `@odata.count`, or the header X-Total-Count; None without either.

    Raises:
        UsageError: The answer is JSON but not a collection, or its Content-Type is not JSON.
        GraphError: `page_malformed`, if the answer is not valid JSON, or its next link is not an
            address.
    """
    content = _read_content(response, url)
    link = content.link or _read_link_header(response)
    return Page(
        content.records,
        _resolve(url, link) if link else None,
        content.total if content.total is not None else _read_count_header(response),
        body=response.body,
    )


def read_own_object(response: Response, url: str) -> dict[str, Any]:
    """
    Decode one JSON object.

    Raises:
        UsageError: The answer is a list, or its Content-Type is not JSON.
        GraphError: `page_malformed`, if the answer is not valid JSON, or not an object.
    """
    if response.body.lstrip()[:1] == b"[":
        raise UsageError(
            f"{path_of(url)} is a list, and not one object",
            code="option_invalid",
            hint="Use `client.list`, or `graphdaemon list`, which reads all of it.",
        )
    _check_json(response, url)
    return read_object(response, url)


def own_id_of(record: msgspec.Raw) -> str | int | None:
    """Return the ID of a record, a text or a number; None if it has none."""
    try:
        return _decode_identified(record).id
    except msgspec.DecodeError:
        return None


def follow_own(link: str, current: str) -> str:
    """
    Return `link` if it may be followed from the address `current`, by the rules of `follow`.

    A link from https to http on the same host has an error message of its own, because APIs
    behind a proxy that ends TLS often write such links.

    Raises:
        GraphError: `link_foreign` or `page_malformed`, as in `follow`.
    """
    here, there = urlsplit(current), urlsplit(link)
    if there.scheme == "http" and there.hostname == here.hostname:
        raise GraphError(
            f"a next link points to http://{quote(there.netloc)}, and the token travels over TLS "
            "only; it was not followed",
            code="link_foreign",
            status=200,
            hint="The API stands behind a proxy that ends TLS, and does not know: have it honour "
            "X-Forwarded-Proto (uvicorn --proxy-headers), or write relative links.",
        )
    return follow(link, current)


def _resolve(url: str, link: str) -> str:
    try:
        whole = urljoin(url, link)
        urlsplit(whole)
    except ValueError:
        raise altered(f"the next link of {path_of(url)} is not an address") from None
    return whole


def _read_content(response: Response, url: str) -> _Content:
    body = response.body
    try:
        check_depth(body)
        if not body.isascii():
            str(body, "utf-8")
        if body.lstrip()[:1] == b"[":
            return _Content(_decode_list(body))
        _check_collection(body, url)
        envelope = _decode_envelope(body)
    except (msgspec.DecodeError, ValueError) as error:
        _check_json(response, url)
        raise malformed(response, url) from error
    if envelope.total is not None and read_count(envelope.total) is None:
        raise malformed(response, url)
    return _Content(envelope.value, envelope.odata_link or envelope.next_link, envelope.total)


def _check_json(response: Response, url: str) -> None:
    """Raise UsageError if Content-Type is not JSON: a repeated request would not change that."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind and not kind.endswith("json"):
        raise UsageError(
            f"{path_of(url)}: the answer is not JSON but {quote(kind, 80)}",
            code="option_invalid",
            hint="Check endpoint and path: what answers there is another program, or a page for "
            "people (of a sign-in, or of the app that the API belongs to).",
        )


def _check_collection(body: bytes, url: str) -> None:
    members: dict[str, msgspec.Raw] = {}
    if body.lstrip()[:1] == b"{":
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    else:
        # A number or a string is valid JSON, too, but not a collection. What is not JSON raises.
        msgspec.json.decode(body, type=msgspec.Raw)
    if bytes(members.get("value", b""))[:1] == b"[":
        return
    raise UsageError(
        f"{path_of(url)} is not a collection: the answer is neither a list nor an object with a "
        "list in `value`",
        code="option_invalid",
        hint="Use `graphdaemon get`, whose --query can take a list out of an object.",
    )


def _read_link_header(response: Response) -> str | None:
    for value in response.headers.get_all("Link"):
        for target, parameters in _LINK.findall(value[:_LONGEST_HEADER]):
            relations = _REL.search(parameters)
            if relations and "next" in (relations[1] or relations[2] or "").lower().split():
                return str(target)
    return None


def _read_count_header(response: Response) -> int | None:
    value = response.headers.get("X-Total-Count")
    return None if value is None else read_count(value)
