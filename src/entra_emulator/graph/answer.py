"""
Write the answers of Graph: context, links, metadata and headers.

Tenants, domains, licences, grants and assignments are not directory objects. Their records are made
for each request, and the query options apply to them in the same way.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from entra_emulator.directory.object_collections import Position
from entra_emulator.errors import deny
from entra_emulator.graph.call import Call
from entra_emulator.graph.query.expand import Expand
from entra_emulator.graph.query.options import Query, read_single
from entra_emulator.graph.query.page_token import open_position, seal_position
from entra_emulator.model.records import Record
from entra_emulator.web.graph_answers import GRAPH_JSON, answer_graph

_encode = msgspec.json.Encoder().encode

# The value in a record in place of an expanded navigation property.
ExpandRecord = Callable[[Call, Record, Expand], Any]

# The result of an action has no address, but still a `Location`, which is the origin (recorded).
NOWHERE = "https://graph.microsoft.com"

_NO_METADATA = GRAPH_JSON.replace("metadata=minimal", "metadata=none")


class RecordPage(NamedTuple):
    """
    A page of a list: the JSON of its records, joined by commas, and where it ends (`last`).

    `last` is None if no other page follows. `total` is the length of the whole list if `$count`
    requests it, otherwise None.
    """

    body: bytes
    last: Position | None = None
    total: int | None = None


def locate(call: Call, path: str) -> str:
    """The directory's own address of the object at this path in the tenant, as recorded."""
    return f"https://graph.microsoft.com/v2/{call.tenant.id}/{path}"


def describe_set(name: str, select: tuple[str, ...] | None, expanded: str | None = None) -> str:
    """The fragment of `@odata.context` for a set, e.g. `users(id,displayName)`."""
    parts = [*(select or ()), *([f"{expanded}()"] if expanded else [])]
    return f"{name}({','.join(parts)})" if parts else name


def answer_page(call: Call, fragment: str, query: Query, page: RecordPage) -> Response:
    """A page of a list, keys in the recorded order: context, count, next link, value."""
    parts = [_context_line(call, fragment)]
    if page.total is not None:
        parts.append(b'"@odata.count":%d,' % page.total)
    # The link is written even without metadata: PnP CLI requests none, and follows the link.
    if page.last is not None:
        link = _link_page(call, query, page.last)
        parts.append(b'"@odata.nextLink":%b,' % _encode(link))
    return answer_json(call, b'{%b"value":[%b]}' % (b"".join(parts), page.body))


def answer_object(
    call: Call, fragment: str, body: bytes, *, status: int = 200, location: str | None = None
) -> Response:
    """The JSON of an object with its context in front."""
    line = _context_line(call, fragment)
    if len(body) == 2:  # nothing but braces
        line = line.removesuffix(b",")
    return answer_json(call, b"{%b%b" % (line, body[1:]), status=status, location=location)


def answer_value(call: Call, fragment: str, value: object) -> Response:
    """The answer of an action: 200, with a `Location` that leads nowhere."""
    body = b'{%b"value":%b}' % (_context_line(call, fragment), _encode(value))
    return answer_json(call, body, location=NOWHERE)


def answer_number(call: Call, number: int) -> Response:
    """The answer to `/$count`."""
    return answer_text(call, str(number))


def answer_text(call: Call, text: str) -> Response:
    """A raw value."""
    return answer_graph(call.request, text.encode(), media_type="text/plain", units=call.units)


def answer_nothing(call: Call) -> Response:
    """204 with the recorded, shorter set of headers."""
    return answer_graph(call.request, b"", status=204, units=call.units)


def answer_json(
    call: Call, body: bytes, *, status: int = 200, location: str | None = None
) -> Response:
    """A successful answer with a JSON body."""
    media_type = _NO_METADATA if wants_no_metadata(call) else GRAPH_JSON
    headers = {"Location": location} if location else None
    return answer_graph(
        call.request, body, status=status, media_type=media_type, units=call.units, headers=headers
    )


def answer_records(
    call: Call,
    kind: str,
    fragment: str,
    records: Iterable[Record],
    *,
    expand: ExpandRecord | None = None,
) -> Response:
    """
    A page of these records, filtered, cut and expanded by the query options.

    If the path ends in `/$count`, the answer is how many records match.

    Raises:
        GraphRefusal: 501, `expand` is None, and the query has an `$expand`.
    """
    query = call.read_query(kind)
    # No record is of the types that are left where they leave out the collection's own.
    match = query.match or (lambda _: query.kinds is None)
    # A filter reads JSON, because that is how the directory keeps its objects.
    matching = [record for record in records if match(_encode(record))]
    if call.counting:
        return answer_number(call, len(matching))
    after = open_page(call, query)
    start = after.seq if after else 0
    shown = matching[start : start + query.top]
    end = start + len(shown)
    last = Position(None, end) if end < len(matching) else None
    # The service counts on the first page only.
    total = len(matching) if query.count and after is None else None
    items = [_encode(_show(call, record, query.select, query.expand, expand)) for record in shown]
    page = RecordPage(b",".join(items), last, total)
    expanded = query.expand.navigation if query.expand else None
    return answer_page(call, describe_set(fragment, query.select, expanded), query, page)


def answer_record(
    call: Call,
    kind: str,
    fragment: str,
    record: Record,
    *,
    status: int = 200,
    location: str | None = None,
    expand: ExpandRecord | None = None,
) -> Response:
    """One record, with the properties that `$select` names, and expanded as `answer_records`."""
    select, expanded = read_single(kind, call.query_string)
    body = _encode(_show(call, record, select, expanded, expand))
    context = describe_set(fragment, select, expanded.navigation if expanded else None) + "/$entity"
    return answer_object(call, context, body, status=status, location=location)


def wants_no_metadata(call: Call) -> bool:
    """Whether the caller requests `odata.metadata=none`: no context, no types, but links."""
    accept = call.request.headers.get("accept", "").lower().replace(" ", "")
    return "odata.metadata=none" in accept


def open_page(call: Call, query: Query) -> Position | None:
    """
    The position at which the last page ended; None for the first page.

    Raises:
        GraphRefusal: 400, the page token is altered, of another query, or expired.
    """
    if query.page_token is None:
        return None
    # With a planned fault the age is -1 s, so that every token has expired.
    age = -1.0 if "page_token" in call.effects else call.context.page_token_age
    binding = _bind(call, query)
    position = open_position(call.context.page_key, binding, call.now, age, query.page_token)
    return position if position.seq else None  # an empty first page ends before everything


def _link_page(call: Call, query: Query, last: Position) -> str:
    token = seal_position(call.context.page_key, _bind(call, query), call.now, last)
    # The path as it was sent: if it were decoded, a `#` in the key of a guest would end the link.
    options = f"{query.link}&" if query.link else ""
    return f"{call.origin}{call.raw_path}?{options}$skiptoken={token}"


def _bind(call: Call, query: Query) -> bytes:
    return f"{call.tenant.id} {call.path.split('/', 2)[-1]} ".encode() + query.binding


def _context_line(call: Call, fragment: str) -> bytes:
    """`"@odata.context":"…",`, or nothing if the caller requests no metadata."""
    if wants_no_metadata(call):
        return b""
    return b'"@odata.context":%b,' % _encode(f"{call.origin}/{call.version}/$metadata#{fragment}")


def _show(
    call: Call,
    record: Record,
    select: tuple[str, ...] | None,
    expanded: Expand | None,
    expand: ExpandRecord | None,
) -> Record:
    """A record as it is answered."""
    if expanded is None:
        return pick(record, select)
    if expand is None:
        raise deny("not_emulated", what=f"$expand of {expanded.navigation}")
    return pick(record, select) | {expanded.navigation: expand(call, record, expanded)}


def pick(record: Record, select: tuple[str, ...] | None) -> Record:
    """The selected properties of a record; None selects all."""
    return record if select is None else {name: record.get(name) for name in select}
