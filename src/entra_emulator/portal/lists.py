"""Lists of users and groups: by name, by whom they are linked to, and the properties of one."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from entra_emulator.directory.link_rows import Links, Neighbour
from entra_emulator.directory.search import Place
from entra_emulator.model.records import Record
from entra_emulator.portal.pager import find_start, turn_page
from entra_emulator.web.pages.render import render
from entra_emulator.web.pages.request import PageRequest

SHOWN = 25

_decode = msgspec.json.Decoder(Record).decode
_encode = msgspec.json.Encoder().encode


class LinkedPage(NamedTuple):
    """
    The page.

    Args:
        rows: (type, record) of each object.
        before: the address of the page before it, if there is one.
        after: the address of the page behind it, if there is one.
    """

    rows: list[tuple[str, Record]]
    before: str | None
    after: str | None


def list_by_name(request: PageRequest, kind: str, template: str) -> Response:
    """A page of the objects of a type whose names begin with what is looked for."""
    start, back = find_start(request)
    text = request.query("q")
    sheet = request.directory.browse(
        request.tenant, kind, text, start=start, back=back, limit=SHOWN
    )
    return render(
        request,
        template,
        rows=[_decode(found.doc) for found in sheet.found],
        search=text,
        known=request.directory.count(request.tenant, kind),
        cut=sheet.cut,
        before=turn_page(request, sheet.before, back=True),
        after=turn_page(request, sheet.after),
    )


def list_linked(request: PageRequest, links: Links) -> LinkedPage:
    """The page that the address asks for, oldest objects first."""
    start, back = find_start(request)
    seq = start.number if start and start.number.bit_length() < 64 else 0
    found, more = _read(request, links, seq, back=back)
    if back and not more:  # the first page is a full one
        seq, back = 0, False
        found, more = _read(request, links, seq)
    return LinkedPage(
        [(one.kind, _decode(one.content)) for one in found],
        turn_page(request, _place(found[:1]), back=True) if (more if back else seq) else None,
        turn_page(request, _place(found[-1:])) if back or more else None,
    )


def list_properties(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is set, by Graph's names; texts as they are, everything else as JSON."""
    return [
        (name, value if isinstance(value, str) else _encode(value).decode())
        for name, value in sorted(record.items())
        if value is not None
    ]


def _read(
    request: PageRequest, links: Links, seq: int, *, back: bool = False
) -> tuple[list[Neighbour], bool]:
    """So many in order, and whether there are more."""
    found = request.directory.neighbours(
        request.tenant, links, after=seq, limit=SHOWN + 1, back=back
    )
    shown = found[:SHOWN]
    return shown[:: -1 if back else 1], len(found) > SHOWN


def _place(found: list[Neighbour]) -> Place | None:
    return Place(0, "", found[0].seq) if found else None
