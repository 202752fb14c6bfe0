"""
What the body of an answer holds: a page, an object or a number.

No input or output: a response in, a value or an exception out.
"""

import contextlib
from array import array
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Annotated, Any, NamedTuple

import msgspec

from graphdaemon.errors import GraphError
from graphdaemon.graph.compiled import SCAN_PAGE, ScanPage
from graphdaemon.graph.lines import Lines
from graphdaemon.graph.links import altered, path_of
from graphdaemon.http.response import Response
from graphdaemon.received.json import DEEPEST, check_depth
from graphdaemon.received.numbers import read_count
from graphdaemon.received.text import quote, read_name


class Page(NamedTuple):
    """
    One page of a collection.

    Attributes:
        records: Each record as the bytes Graph sent; `msgspec.json.decode` makes a dict of it.
        next_link: The address of the next page; None on the last page.
        total: `@odata.count`, which comes with the first page of an advanced query.
        delta_link: The address of what changes from now on; only on the last page of a delta.
        body: The whole body, where the records are slices of it and not copies.
        packed_ids: Sixteen bytes for each record, where all have GUIDs for IDs and these were read
            along; nothing elsewhere.
        size: Bytes of the body.
        context: The JSON of `@odata.context`, which names what is expanded; empty without one.
    """

    records: Sequence[msgspec.Raw]
    next_link: str | None
    total: int | None
    delta_link: str | None = None
    body: bytes = b""
    packed_ids: bytes = b""
    size: int = 0
    context: bytes = b""


class _Envelope(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    total: int | None = msgspec.field(name="@odata.count", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)
    context: msgspec.Raw = msgspec.field(name="@odata.context", default=msgspec.Raw(b""))


class _Identified(msgspec.Struct, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=1)]


class _IdentifiedEnvelope(msgspec.Struct):
    value: list[_Identified]


_decode_ids = msgspec.json.Decoder(_IdentifiedEnvelope).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_identified = msgspec.json.Decoder(_Identified).decode
_decode_text = msgspec.json.Decoder(str).decode


def read_page(response: Response, url: str, *, scan: ScanPage | None = SCAN_PAGE) -> Page:
    """
    Split a page into raw records, which are not decoded, so that nothing of them can be lost.

    Args:
        response: The answer.
        url: What it answers, for the error.
        scan: The compiled form; without it, and where it declines, the form in Python decides.

    Raises:
        GraphError: `page_malformed`, if the body is no page.
    """
    body = response.body
    scanned = None if scan is None else scan(body, DEEPEST)
    try:
        if scanned is None:
            envelope, records, packed = _split(body)
        else:
            text, ends, begin, end, packed = scanned
            envelope = _decode_envelope(b"%b[]%b" % (body[:begin], body[end:]))
            records = Lines(text, array("q", ends))
            if b"\n" in body or b"\r" in body:
                # A record may have several lines.
                records = list(records)
    except (msgspec.DecodeError, ValueError) as error:
        raise malformed(response, url) from error
    if envelope.total is not None and read_count(envelope.total) is None:
        raise malformed(response, url)
    # Where nothing of it is needed any more, it need not be there twice.
    kept = b"" if packed else body
    links = envelope.next_link, envelope.total, envelope.delta_link
    return Page(records, *links, kept, packed, len(body), bytes(envelope.context))


def _split(body: bytes) -> tuple[_Envelope, Sequence[msgspec.Raw], bytes]:
    # Records are not decoded here, and whoever does it later relies on UTF-8, and on a depth that
    # every decoder can do: check both now.
    check_depth(body)
    envelope = _decode_envelope(body)
    if not body.isascii():
        str(body, "utf-8")
    return envelope, envelope.value, b""


def page_ids(page: Page) -> list[str]:
    """
    Return what `ids_of` returns for the records of a page, in one go, which is faster.

    Raises:
        GraphError: `page_malformed`, as in `ids_of`.
    """
    # The body of another page, or none, is no error: then each record is looked at by itself.
    if page.body:
        with contextlib.suppress(msgspec.DecodeError):
            ids = [record.id for record in _decode_ids(page.body).value]
            if len(ids) == len(page.records):
                return ids
    return ids_of(page.records)


def ids_of(records: Iterable[msgspec.Raw]) -> list[str]:
    """
    Return the ID of each record.

    Raises:
        GraphError: `page_malformed`, if something is no record, or its ID is missing, empty or no
            text: without one, nobody can tell a second record from a repetition of the first.
    """
    try:
        return [_decode_identified(record).id for record in records]
    except msgspec.DecodeError:
        raise altered("a page holds something that is no record with an ID") from None


def read_record(record: msgspec.Raw) -> dict[str, Any]:
    """
    Decode a record.

    Raises:
        GraphError: `page_malformed`, if it is none, or has a number that Python cannot hold.
    """
    try:
        return msgspec.json.decode(record, type=dict[str, Any])
    except msgspec.DecodeError:
        raise altered("a page holds something that is no record") from None


def texts_of(records: Iterable[msgspec.Raw], name: str) -> list[str]:
    """
    Return the property `name` of each record in which it is a string.

    Raises:
        GraphError: `page_malformed`, if something is no record.
    """
    decode = _value_decoder(name)
    try:
        values = [bytes(decode(record).value) for record in records]
    except msgspec.DecodeError:
        raise altered("a page holds something that is no record") from None
    return [_decode_text(value) for value in values if value[:1] == b'"']


@cache
def _value_decoder(name: str) -> Callable[[msgspec.Raw], Any]:
    """Return a decoder of one property, ten times faster than one of the whole record."""
    field = msgspec.field(name=name, default=msgspec.Raw(b"null"))
    # Another kind of value than a text is not decoded, for it may be a number that fits nowhere.
    named = msgspec.defstruct("Named", [("value", msgspec.Raw, field)])
    return msgspec.json.Decoder(named).decode


def read_number(response: Response, url: str) -> int:
    """
    Read the plain number that a `$count` path returns.

    Raises:
        GraphError: `page_malformed`, if the body is no number of objects.
    """
    try:
        # A byte order mark may stand before the number, and is no part of it.
        count = read_count(response.body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise malformed(response, url) from error
    if count is None:
        raise malformed(response, url)
    return count


def read_object(response: Response, url: str) -> dict[str, Any]:
    """
    Decode one JSON object.

    Raises:
        GraphError: `page_malformed`, if the body is none.
    """
    try:
        check_depth(response.body)
        return msgspec.json.decode(response.body, type=dict[str, Any])
    except ValueError as error:
        raise malformed(response, url) from error


def malformed(response: Response, url: str) -> GraphError:
    """Return the error for an answer that is not the JSON it should be."""
    kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
    # JSON may hold names of users and links with their tokens; a page for people does not.
    is_json = response.body.lstrip()[:1] in (b"{", b"[")
    shown = "" if is_json else quote(response.body)
    return GraphError(
        f"{path_of(url)}: the answer is not the JSON it should be ({quote(kind, 80)}, "
        f"{len(response.body)} bytes)" + (f": {shown}" if shown else ""),
        code="page_malformed",
        status=response.status,
        hint="Run it again; if it recurs, check endpoint, and look for a proxy or sign-in page "
        "that answers in Graph's place.",
        request_id=read_name(response.headers.get("request-id")),
    )
