"""Send one request of any kind, and read its answer."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from graphdaemon.cli.options import split_names
from graphdaemon.client.client import Client
from graphdaemon.errors import GraphError, UsageError
from graphdaemon.graph.address import split_version
from graphdaemon.graph.batch import read_parts
from graphdaemon.graph.catalog import Collection, find_collection
from graphdaemon.graph.graph import GraphRequest
from graphdaemon.graph.links import follow, path_of
from graphdaemon.graph.own_page import follow_own, read_own_page
from graphdaemon.graph.page import read_object, read_page
from graphdaemon.http.response import Response
from graphdaemon.output.spec import OutputSpec
from graphdaemon.received.json import check_depth

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e]*)")
# Headers that hold the token or belong to the connection: the program sets them itself.
_OWN = frozenset({"authorization", "connection", "content-length", "host", "transfer-encoding"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class _Answer(msgspec.Struct):
    value: list[msgspec.Raw] | None = None
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


def make_request(
    client: Client,
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Iterable[str] = (),
) -> GraphRequest:
    """
    Return the request to a path below Graph's version, or to an address of the configured origin.

    Headers are texts such as `Prefer: return=minimal`.

    Raises:
        UsageError: The address leads elsewhere, or a header is none.
    """
    address = client.locate(url)
    return GraphRequest(
        address,
        find_row(address).role if client.settings.is_graph else "",
        method=method.upper(),
        body=body,
        # PUT and DELETE could be repeated as well (RFC 9110, 9.2.2), but the second DELETE is
        # answered with 404, as if the first had failed.
        repeatable=method.upper() in _SAFE,
        headers=_read_headers(headers),
    )


def find_row(url: str) -> Collection:
    """What is known of the collection that an address is about."""
    return find_collection(split_version(path_of(url))[1].partition("/")[0])


async def read_pages(client: Client, request: GraphRequest) -> AsyncIterator[Sequence[msgspec.Raw]]:
    """
    Yield the records of each page from `request` on.

    Raises:
        Error: What was yielded so far is a part.
    """
    # Their hashes, since links are long and a big collection has thousands of them.
    seen = {hash(request.url)}
    is_graph = client.settings.is_graph
    read, advance = (read_page, follow) if is_graph else (read_own_page, follow_own)
    while True:
        page = await client.graph.ask(request, read)
        yield page.records
        if page.next_link is None:
            return
        request = request._replace(url=advance(page.next_link, request.url))
        if hash(request.url) in seen:
            raise GraphError(
                f"a next link of {path_of(request.url)} leads back to a page that was read already",
                code="page_malformed",
                status=200,
                hint="Run it again. If it happens again, the paging of the service is wrong.",
            )
        seen.add(hash(request.url))


async def get_object(client: Client, path: str) -> bytes:
    """
    Get one object, close `client`, and return the bytes that Graph sent.

    Raises:
        Error: It was refused, not reached, or is a page of several.
    """
    async with client:
        request = make_request(client, path)
        response = await client.graph.ask(request, lambda response, _: response)
    is_list = _is_readable(response.body, list[msgspec.Raw])
    if not is_list and not _is_readable(response.body, dict[str, msgspec.Raw]):
        read_object(response, request.url)
    if is_list or has_more(client, request, response):
        raise UsageError(
            f"{path_of(request.url)} is a collection, and this "
            + ("its first page at least" if is_list else "only its first page"),
            code="option_invalid",
            hint="Use `graphdaemon list`, which reads them all.",
        )
    return response.body


def name_refused_parts(request: GraphRequest, response: Response) -> GraphError | None:
    """
    Return the error that says how many requests of a batch were refused, if any were.

    The answer to a batch is 200 whatever is in it.
    """
    path = path_of(request.url)
    if not path.endswith("/$batch"):
        return None
    try:
        parts = read_parts(response, request.url)
    except GraphError as error:
        return error
    refused = Counter(part.status for part in parts if part.status >= 400)
    if not refused:
        return None
    words = ", ".join(f"{count} with {status}" for status, count in sorted(refused.items()))
    return GraphError(
        f"{path}: {refused.total()} of its {len(parts)} requests were refused: {words}",
        code="request_refused",
        status=response.status,
        hint="The output contains the error of each request by its id. Requests that were refused "
        "with 429 can be sent again.",
    )


def is_json(response: Response) -> bool:
    """Whether the answer's body is JSON, and not only called so."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    called = kind == "application/json" or kind.endswith("+json")
    return called and _is_readable(response.body, msgspec.Raw)


def has_more(client: Client, request: GraphRequest, response: Response) -> bool:
    """Whether a JSON answer is one page of several."""
    if client.settings.is_graph:
        return _read_answer(response.body).next_link is not None
    try:
        return read_own_page(response, request.url).next_link is not None
    except (GraphError, UsageError):
        return False


def records_of(body: bytes, spec: OutputSpec) -> list[msgspec.Raw]:
    """A JSON answer as the records that `spec` writes: those in a list or `value`, or it as one."""
    is_whole = spec.format == "json" or spec.query is not None
    inner = None if is_whole else _read_records(body)
    return [msgspec.Raw(body)] if inner is None else inner


def _read_records(body: bytes) -> list[msgspec.Raw] | None:
    if body.lstrip()[:1] == b"[" and _is_readable(body, list[msgspec.Raw]):
        return msgspec.json.decode(body, type=list[msgspec.Raw])
    return _read_answer(body).value


def _is_readable(body: bytes, kind: Any) -> bool:
    try:
        check_depth(body)
        msgspec.json.decode(body, type=kind)
    except ValueError:
        return False
    return True


def _read_answer(body: bytes) -> _Answer:
    try:
        check_depth(body)
        return msgspec.json.decode(body, type=_Answer)
    except ValueError:
        return _Answer()


def selected(url: str) -> tuple[str, ...]:
    """The properties that an address selects."""
    options = {name.lower(): value for name, value in parse_qsl(url.partition("?")[2])}
    return split_names(options.get("$select"))


def _read_headers(texts: Iterable[str]) -> tuple[tuple[str, str], ...]:
    headers = dict[str, str]()
    for name, value in map(_read_header, texts):
        if name in headers:
            raise UsageError(
                f"--header {name} is given more than once",
                code="option_invalid",
                hint=f"Give it once, with all values in one header: '{name}: one, two'.",
            )
        headers[name] = value
    return tuple(headers.items())


def _read_header(text: str) -> tuple[str, str]:
    match = _HEADER.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--header {text!r} is not a header",
            code="option_invalid",
            hint="Write 'Name: value', such as 'Prefer: return=minimal'.",
        )
    if match[1].lower() in _OWN:
        raise UsageError(
            f"--header {match[1]}: graphdaemon sets this header itself",
            code="option_invalid",
            hint="Leave it out. The token comes from the settings.",
        )
    # In one spelling, so that it replaces the header that is sent by default.
    return "-".join(word.capitalize() for word in match[1].split("-")), match[2].strip()
