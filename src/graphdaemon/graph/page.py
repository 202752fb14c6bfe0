"""
Read the body of an answer: a page, an object or a number.

Nothing here is read from or sent to the network: functions take a response, and return a value or
raise an exception.
"""

import contextlib
from array import array
from codecs import BOM_UTF8
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
        records: Each record as the JSON that Graph sent; `msgspec.json.decode` makes a dict of it.
        next_link: The address of the next page; None on the last page.
        total: `@odata.count`, the number of all records, which comes with the first page of an
            advanced query; None if there is none.
        delta_link: The address of the changes after this page; only on the last page of a delta.
        body: The whole body; empty if `packed_ids` are there, since it is not needed then.
        packed_ids: The ID of each record as a GUID in sixteen bytes; empty if an ID is not a
            GUID, or if the page was read without the compiled form.
        size: The length of the body, in bytes.
        context: The JSON of `@odata.context`, which names the expanded properties; empty if the
            page has none.
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
    Split a page into records. These stay JSON text, so that nothing of them is lost in decoding.

    Args:
        response: The answer.
        url: The address that was requested; the error names its path.
        scan: The compiled scanner. The Python code reads the page if this is None, or returns
            None.

    Raises:
        GraphError: `page_malformed`, if the body is not a page.
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
    # With packed IDs the body is not read again: do not keep it beside the copy in `records`.
    kept = b"" if packed else body
    links = envelope.next_link, envelope.total, envelope.delta_link
    return Page(records, *links, kept, packed, len(body), bytes(envelope.context))


def _split(body: bytes) -> tuple[_Envelope, Sequence[msgspec.Raw], bytes]:
    # Records are not decoded here. What decodes them later relies on UTF-8 and on a nesting depth
    # that every decoder can read, so both are checked now.
    check_depth(body)
    envelope = _decode_envelope(body)
    if not body.isascii():
        str(body, "utf-8")
    return envelope, envelope.value, b""


def page_ids(page: Page) -> list[str]:
    """
    Return the ID of each record of a page, as `ids_of` does, but faster.

    Raises:
        GraphError: `page_malformed`, as in `ids_of`.
    """
    # If there is no body, or it has not the same records, the records are read one by one.
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
        GraphError: `page_malformed`, if a record is not a JSON object, or its `id` is missing,
            empty or not a string. Without an ID, a record sent twice looks like two records.
    """
    try:
        return [_decode_identified(record).id for record in records]
    except msgspec.DecodeError:
        raise altered("a page holds something that is no record with an ID") from None


def read_record(record: msgspec.Raw) -> dict[str, Any]:
    """
    Decode one record.

    Raises:
        GraphError: `page_malformed`, if it is not a JSON object, or has a number outside the
            range of Python's floats.
    """
    try:
        return msgspec.json.decode(record, type=dict[str, Any])
    except msgspec.DecodeError:
        raise altered("a page holds something that is no record") from None


def texts_of(records: Iterable[msgspec.Raw], name: str) -> list[str]:
    """
    Return the property `name` of each record in which it is a string.

    Raises:
        GraphError: `page_malformed`, if a record is not a JSON object.
    """
    decode = _value_decoder(name)
    try:
        values = [bytes(decode(record).value) for record in records]
    except msgspec.DecodeError:
        raise altered("a page holds something that is no record") from None
    return [_decode_text(value) for value in values if value[:1] == b'"']


@cache
def _value_decoder(name: str) -> Callable[[msgspec.Raw], Any]:
    """Return a decoder of one property, ten times as fast as a decoder of the whole record."""
    field = msgspec.field(name=name, default=msgspec.Raw(b"null"))
    # The value stays JSON text, because only strings are decoded later: a number may be too large.
    named = msgspec.defstruct("Named", [("value", msgspec.Raw, field)])
    return msgspec.json.Decoder(named).decode


def read_number(response: Response, url: str) -> int:
    """
    Read the plain number that a `$count` path returns.

    Raises:
        GraphError: `page_malformed`, if the body is not a whole number, or is negative.
    """
    try:
        # Graph may put a byte order mark before the number.
        count = read_count(response.body.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        raise malformed(response, url) from error
    if count is None:
        raise malformed(response, url)
    return count


def read_object(response: Response, url: str) -> dict[str, Any]:
    """
    Decode one JSON object.

    Raises:
        GraphError: `page_malformed`, if the body is not a JSON object.
    """
    try:
        check_depth(response.body)
        return msgspec.json.decode(response.body, type=dict[str, Any])
    except ValueError as error:
        raise malformed(response, url) from error


def malformed(response: Response, url: str) -> GraphError:
    """Return the `page_malformed` error for an answer whose JSON is invalid or not as expected."""
    kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
    # JSON may contain names of users and page links, so it is not quoted; a web page is.
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
