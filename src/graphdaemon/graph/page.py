"""
Protocol decisions without any I/O: what an answer of Graph means.

Status, headers and body in; a page, an object or a precise exception out.
"""

import contextlib
import email.utils
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

import msgspec

from graphdaemon.errors import GraphError
from graphdaemon.http.transport import Response

if TYPE_CHECKING:
    from graphdaemon.diagnosis.advice import Advice


class Page(NamedTuple):
    """
    One answer of a collection.

    Attributes:
        records: Each record as the bytes Graph sent; `msgspec.json.decode` makes a dict of it.
        next_link: Where the next page is, or None after the last.
        total: `@odata.count`, which comes with the first page of an advanced query.
        delta_link: Where changes after this one can be asked for; ends a round of a delta.
        body: The answer that the records are part of.
    """

    records: list[msgspec.Raw]
    next_link: str | None
    total: int | None
    delta_link: str | None = None
    body: bytes = b""


class _Envelope(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    total: int | None = msgspec.field(name="@odata.count", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class _Identified(msgspec.Struct, gc=False):
    id: str | None = None


class _IdentifiedEnvelope(msgspec.Struct):
    value: list[_Identified]


_decode_ids = msgspec.json.Decoder(_IdentifiedEnvelope).decode
_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_identified = msgspec.json.Decoder(_Identified).decode


def read_page(response: Response, url: str) -> Page:
    """
    Split a page into raw records; a record is not decoded, so nothing of it can be lost.

    Raises:
        GraphError: `page_malformed`, if this is no page.
    """
    try:
        envelope = _decode_envelope(response.body)
        # The records are skipped, and their texts with them: whoever reads those relies on UTF-8.
        if not response.body.isascii():
            str(response.body, "utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(response, url) from error
    return Page(
        envelope.value, envelope.next_link, envelope.total, envelope.delta_link, response.body
    )


def page_ids(page: Page) -> list[str]:
    """
    As `ids_of` for a whole page, read at once.

    Raises:
        GraphError: Something is no record, or its ID no text.
    """
    if page.body:
        with contextlib.suppress(msgspec.DecodeError):
            ids = [record.id for record in _decode_ids(page.body).value]
            if len(ids) == len(page.records) and None not in ids:
                return cast("list[str]", ids)
    return ids_of(page.records)


def ids_of(records: Iterable[msgspec.Raw]) -> list[str]:
    """
    The ID of each record; of one without, all of it, so that only its like counts as the same.

    Raises:
        GraphError: Something is no record, or its ID no text.
    """
    try:
        return [_decode_identified(record).id or bytes(record).decode() for record in records]
    except msgspec.DecodeError:
        raise GraphError(
            "a page holds something that is no record",
            code="page_malformed",
            status=200,
            hint="Run it again; if it recurs, look for a proxy that alters Graph's answers.",
        ) from None


def texts_of(records: Iterable[msgspec.Raw], name: str) -> list[str]:
    """The property `name` of each record where it is a text."""
    decode = _text_decoder(name)
    values = (decode(record).value for record in records)
    return [value for value in values if isinstance(value, str)]


@cache
def _text_decoder(name: str) -> Callable[[msgspec.Raw], Any]:
    """Decodes one property of a record, and skips the others: ten times faster than all of it."""
    named = msgspec.defstruct("Named", [("value", Any, msgspec.field(name=name, default=None))])
    return msgspec.json.Decoder(named).decode


def read_number(response: Response, url: str) -> int:
    """
    Read the plain number that `$count` answers.

    Raises:
        GraphError: `page_malformed`, if this is none.
    """
    try:
        return int(response.body.decode("utf-8-sig"))
    except ValueError as error:
        raise _malformed(response, url) from error


def read_object(response: Response, url: str) -> dict[str, Any]:
    """
    Decode one JSON object.

    Raises:
        GraphError: `page_malformed`, if this is none.
    """
    try:
        return msgspec.json.decode(response.body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise _malformed(response, url) from error


def follow(link: str, current: str) -> str:
    """
    Return `link` if it may be followed from `current`, byte for byte.

    The bearer token goes with the request, so a link must stay on the same https origin; and a
    link to itself would never end.

    Raises:
        GraphError: `link_foreign` or `page_malformed`; naming origins only, since links hold
            names of users.
    """
    here, there = origin_of(current), origin_of(link)
    if here != there:
        raise GraphError(
            f"a next link points to {there}, not to {here}; it was not followed",
            code="link_foreign",
            status=200,
            hint="If a gateway stands before Graph, put its address into endpoint; otherwise "
            "somebody alters Graph's answers: find out who.",
        )
    if link == current or not link.isascii() or not link.isprintable() or " " in link:
        raise GraphError(
            f"the next link of {path_of(current)} "
            + ("points to its own page" if link == current else "is no address"),
            code="page_malformed",
            status=200,
            hint="Run it again; if it recurs, look for a proxy that alters Graph's answers.",
        )
    return link


def explain(
    response: Response,
    url: str,
    *,
    needs: str | None,
    consent_url: str | None,
    token: str | None = None,
    method: str = "GET",
) -> GraphError:
    """
    Turn a refusal into the exception that says what to do.

    Args:
        response: An answer with status 300 or above.
        url: What was asked for.
        needs: The application permission to ask for, if it opens the call.
        consent_url: Where an administrator can consent, if known.
        token: What was sent, whose roles tell several refusals apart.
        method: How it was asked for.
    """
    graph_code, message = _graph_words(response.body)
    said = f"{graph_code} {message}"
    advice = _diagnose(
        response.status,
        said,
        url,
        needs=needs,
        consent_url=consent_url,
        token=token,
        method=method,
    )
    words = " ".join(filter(None, [str(response.status), graph_code]))
    return GraphError(
        f"{path_of(url)}: {words}" + (f": {message}" if message else ""),
        code=advice.code,
        status=response.status,
        hint=advice.step,
        case=advice.case,
        graph_code=graph_code,
        request_id=response.headers.get("request-id"),
        retry_after=read_wait(response.headers.get("Retry-After")),
    )


def origin_of(url: str) -> str:
    """Scheme, host and port, in one spelling."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme.lower()}://{host.removesuffix(':443')}"


def path_of(url: str) -> str:
    """The part of an address that may be shown: its options may hold a page token."""
    return urlsplit(url).path


def _malformed(response: Response, url: str) -> GraphError:
    kind = response.headers.get("Content-Type", "no content type").partition(";")[0]
    return GraphError(
        f"{path_of(url)}: the answer is not the JSON it should be ({kind}, "
        f"{len(response.body)} bytes)",
        code="page_malformed",
        status=response.status,
        hint="Run it again; if it recurs, check endpoint, and look for a proxy or sign-in page "
        "that answers in Graph's place.",
        request_id=response.headers.get("request-id"),
    )


def _graph_words(body: bytes) -> tuple[str | None, str | None]:
    try:
        error = msgspec.json.decode(body)["error"]
        code, message = error.get("code"), error.get("message")
    except (msgspec.DecodeError, LookupError, TypeError, AttributeError):
        return None, None
    # Some services behind Graph send an object where a text belongs (seen in go-azure-sdk).
    text = message if isinstance(message, str) else None
    return (code if isinstance(code, str) else None) or None, text


def _diagnose(
    status: int,
    words: str,
    url: str,
    *,
    needs: str | None,
    consent_url: str | None,
    token: str | None,
    method: str,
) -> "Advice":
    # What a run that goes well never needs.
    from graphdaemon.diagnosis.advice import advise, locate
    from graphdaemon.diagnosis.graph_refusals import choose_role, find_denial, name_beyond
    from graphdaemon.diagnosis.permissions import find_need
    from graphdaemon.diagnosis.token_claims import read_claims

    need = find_need(method, path_of(url)) if status in (401, 403) else None
    claims = read_claims(token) if token is not None else None
    values = {"role": choose_role(need, needs), "beyond": name_beyond(path_of(url))}
    case = find_denial(status, words, claims=claims, need=need)
    return advise(case, locate(consent_url, consent_url) | values)


def read_wait(value: str | None) -> float | None:
    """Seconds to wait: a number, fractional too (Graph's own documentation), or an HTTP date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
