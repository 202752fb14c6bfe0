"""
Pages of a first round that the database joins, like the pages of lists.

A first round reads a whole directory. Nearly all of its pages contain only current objects of one
type, and are made here. The other pages are made object by object, see `round`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from entra_emulator.directory.object_collections import EVERYTHING, Position
from entra_emulator.directory.representation import WHOLE, choose_document
from entra_emulator.graph.answer import wants_no_metadata
from entra_emulator.graph.call import Call
from entra_emulator.graph.delta.tokens import INITIAL, DeltaRound, RoundPosition
from entra_emulator.graph.delta.tracked import TrackedType

_encode = msgspec.json.Encoder().encode


class JoinedPage(NamedTuple):
    """The JSON of a page's objects, joined by commas, and where the page ends."""

    body: bytes
    position: RoundPosition


def join_page(call: Call, state: DeltaRound) -> JoinedPage | None:
    """
    The next page of a round, if it is full and not the last one of a type.

    None if anything else is to be reported: changes, links, objects in the recycle bin, or the
    older objects of a replica that lags behind.
    """
    start = state.position
    plain = state.after == INITIAL and not (state.query.ids or call.lag or call.effects)
    if not plain or start.step >= len(state.query.types):
        return None
    tracked = state.query.types[start.step]
    if tracked.links or tracked.kind in WHOLE:
        return None
    collections = call.directory.collections
    body, last = collections.read_joined(
        call.tenant,
        tracked.kind,
        choose_document(tracked.kind, {"id", *tracked.names}),
        after=Position(None, start.major),
        limit=call.context.delta.page,
    )
    if last is None or not collections.has_more(call.tenant, tracked.kind, EVERYTHING, last):
        return None
    typed = state.query.collection == "directoryObjects" and not wants_no_metadata(call)
    return JoinedPage(
        render_joined_tracked(tracked, body, typed=typed), RoundPosition(start.step, last.seq)
    )


def render_joined_tracked(tracked: TrackedType, docs: bytes, *, typed: bool) -> bytes:
    """
    The objects that `render_tracked` makes of these documents, for all of them at once.

    Documents and objects are joined by commas; with `typed`, each object begins with its type.
    """
    return _encode(_make_decoder(tracked.kind, tracked.names, typed=typed)(b"[%b]" % docs))[1:-1]


# Clients repeat a few selections; the limit is for one that would fill the memory with others.
@lru_cache(maxsize=256)
def _make_decoder(kind: str, names: tuple[str, ...], *, typed: bool) -> Callable[[bytes], Any]:
    """A decoder of an array, which slices these properties out, and leaves out what is not set."""
    shown = dict.fromkeys((*names, "id"))
    # The fields are numbered, because a property may have the name of the field for the type.
    renamed = {f"p{number}": name for number, name in enumerate(shown)}
    fields: list[tuple[str, type, Any]] = [(field, msgspec.Raw, msgspec.UNSET) for field in renamed]
    if typed:
        renamed["type"] = "@odata.type"
        mark = msgspec.Raw(_encode(f"#microsoft.graph.{kind}"))
        fields.insert(0, ("type", msgspec.Raw, mark))
    # Raw slices refer to nothing, so the garbage collector need not follow a page of rows.
    row = msgspec.defstruct("Tracked", fields, rename=renamed, gc=False)
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(list[row]).decode  # type: ignore[valid-type]  # a type made at run time
    return decode
