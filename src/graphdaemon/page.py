"""
Protocol decisions without any I/O: what an answer of Graph means.

Status, headers and body in; a page, an object or a precise exception out.
"""

from __future__ import annotations

import email.utils
import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from graphdaemon.errors import GraphError
from graphdaemon.transport import Response


class Page(NamedTuple):
    """
    One answer of a collection.

    Attributes:
        records: Each record as the bytes Graph sent; ``msgspec.json.decode`` makes a dict of it.
        next_link: Where the next page is, or None after the last.
        total: ``@odata.count``, which comes with the first page of an advanced query.
    """

    records: list[msgspec.Raw]
    next_link: str | None
    total: int | None


class _Envelope(msgspec.Struct):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    total: int | None = msgspec.field(name="@odata.count", default=None)


_decode_envelope = msgspec.json.Decoder(_Envelope).decode


def read_page(response: Response, url: str) -> Page:
    """
    Split a page into raw records; a record is not decoded, so nothing of it can be lost.

    Raises:
        GraphError: ``page_malformed``, if this is no page.
    """
    try:
        envelope = _decode_envelope(response.body)
    except msgspec.DecodeError as error:
        raise _malformed(response, url) from error
    return Page(envelope.value, envelope.next_link, envelope.total)


def read_object(response: Response, url: str) -> dict[str, Any]:
    """
    Decode one JSON object.

    Raises:
        GraphError: ``page_malformed``, if this is none.
    """
    try:
        return msgspec.json.decode(response.body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise _malformed(response, url) from error


def follow(link: str, current: str) -> str:
    """
    Return ``link`` if it may be followed from ``current``, byte for byte.

    The bearer token goes with the request, so a link must stay on the same https origin; and a
    link to itself would never end.

    Raises:
        GraphError: ``link_foreign`` or ``page_malformed``; naming origins only, since links hold
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


def explain(response: Response, url: str, *, needs: str, consent_url: str | None) -> GraphError:
    """
    Turn a refusal into the exception that says what to do.

    Args:
        response: An answer with status 400 or above.
        url: What was asked for.
        needs: The application permission that would allow it.
        consent_url: Where an administrator can consent, if known.
    """
    graph_code, message = _graph_words(response.body)
    code, hint = _advice(response.status, needs, consent_url)
    words = " ".join(filter(None, [str(response.status), graph_code]))
    return GraphError(
        f"{path_of(url)}: {words}" + (f": {message}" if message else ""),
        code=code,
        status=response.status,
        hint=hint,
        graph_code=graph_code,
        request_id=response.headers.get("request-id"),
        retry_after=_retry_after(response.headers.get("Retry-After")),
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


def _advice(status: int, needs: str, consent_url: str | None) -> tuple[str, str]:
    if status == 401:
        code, hint = (
            "token_refused",
            (
                "Check that scope names the API behind endpoint (same cloud, same host), and that "
                "this machine's clock is right."
            ),
        )
    elif status == 403:
        code, hint = (
            "permission_missing",
            (
                f"Add the application permission {needs} (API permissions > Microsoft Graph > "
                "Application permissions, not Delegated) and have an administrator grant consent; "
                "tokens issued before that keep their old roles, up to 90 minutes."
                + (f" Consent page: {consent_url}" if consent_url else "")
            ),
        )
    elif status == 404:
        code, hint = "not_found", "Check the ID, the path, and that endpoint's version exists."
    elif status == 429:
        code, hint = "throttled", "Run it later, or with less else running as the same app."
    elif status >= 500:
        code, hint = "graph_unavailable", "Run it again later; the settings are not to blame."
    elif status < 400:
        code, hint = "request_refused", "Put the address it redirects to into endpoint."
    else:
        code, hint = "request_refused", "Correct the option that the message names."
    return code, hint


def _retry_after(value: str | None) -> float | None:
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
