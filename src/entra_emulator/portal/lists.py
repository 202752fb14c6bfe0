"""
Long lists in pages: of objects by name, of linked objects, and of an object's properties.

The address of a page says where the page begins.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from entra_emulator.directory.links import LinkQuery
from entra_emulator.directory.objects import StoredObject
from entra_emulator.directory.search import SearchPosition
from entra_emulator.model.records import Record
from entra_emulator.tokens.jwt import encode_base64url
from entra_emulator.web.pages.refusal import PortalRefusal
from entra_emulator.web.pages.request import PageRequest

# How many objects a page of a list shows.
SHOWN = 25

_decode = msgspec.json.Decoder(Record).decode
_decode_place = msgspec.json.Decoder(SearchPosition).decode
_encode = msgspec.json.Encoder().encode


class LinkedPage(NamedTuple):
    """A page of linked objects, as (type, record), and the addresses of the pages around it."""

    rows: list[tuple[str, Record]]
    before: str | None
    after: str | None


def find_start(request: PageRequest) -> tuple[SearchPosition | None, bool]:
    """
    The place in the list that the address names, and whether the page ends there or begins there.

    An address without a place, or with an invalid one, means the first page.
    """
    text = request.query("start")
    try:
        place = _decode_place(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None, False
    return place, request.query("back") == "yes"


def turn_page(
    request: PageRequest, place: SearchPosition | None, *, back: bool = False
) -> str | None:
    """The address of the page that begins behind a place, or with `back` ends before it."""
    if place is None:
        return None
    start = encode_base64url(_encode(place))
    options = dict(request.http.query_params) | {"start": start}
    options.pop("back", None)
    return f"{request.http.url.path}?{urlencode(options | ({'back': 'yes'} if back else {}))}"


def list_by_name(request: PageRequest, kind: str) -> dict[str, Any]:
    """
    A page of the objects of a type whose names begin with the searched text.

    It has the values for a template: the records in `rows`, the number `known` of all objects of
    the type, and whether the list was `cut` because too many objects matched.
    """
    start, back = find_start(request)
    text = request.query("q")
    page = request.directory.search.browse(
        request.tenant, kind, text, start=start, back=back, limit=SHOWN
    )
    return {
        "rows": [_decode(row.doc) for row in page.objects],
        "search": text,
        "known": request.directory.collections.count(request.tenant, kind),
        "cut": page.cut,
        "before": turn_page(request, page.before, back=True),
        "after": turn_page(request, page.after),
    }


def list_linked(request: PageRequest, links: LinkQuery) -> LinkedPage:
    """The page that the address asks for, oldest objects first."""
    start, back = find_start(request)
    # SQLite has no larger numbers, and an address may contain any number.
    seq = start.number if start and start.number.bit_length() < 64 else 0
    neighbours, more = _read(request, links, seq, back=back)
    if back and not more:  # the first page is always a full one
        seq, back = 0, False
        neighbours, more = _read(request, links, seq)
    return LinkedPage(
        [(neighbour.kind, _decode(neighbour.doc)) for neighbour in neighbours],
        turn_page(request, _place(neighbours[:1]), back=True) if (more if back else seq) else None,
        turn_page(request, _place(neighbours[-1:])) if back or more else None,
    )


def find_object(request: PageRequest, kind: str) -> tuple[StoredObject, Record]:
    """
    The object of this type that the address names, and its record.

    Raises:
        PortalRefusal: 404.
    """
    row = request.directory.objects.find(request.tenant, request.param(kind), kind=kind)
    if row is None:
        raise PortalRefusal(404, "object", name=request.param(kind))
    return row, _decode(row.doc)


def list_properties(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The properties that are set, by Graph's names: texts unchanged, everything else as JSON."""
    return [
        (name, value if isinstance(value, str) else _encode(value).decode())
        for name, value in sorted(record.items())
        if value is not None
    ]


def _read(
    request: PageRequest, links: LinkQuery, seq: int, *, back: bool = False
) -> tuple[list[StoredObject], bool]:
    """A page of neighbours in the order of their numbers, and whether there are more."""
    # One more than is shown is read, to know whether there are more without counting all.
    neighbours = request.directory.links.list_neighbours(
        request.tenant, links, after=seq, limit=SHOWN + 1, back=back
    )
    return neighbours[:SHOWN][:: -1 if back else 1], len(neighbours) > SHOWN


def _place(neighbours: list[StoredObject]) -> SearchPosition | None:
    return SearchPosition(0, "", neighbours[0].seq) if neighbours else None
