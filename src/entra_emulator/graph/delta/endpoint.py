"""
Delta queries: `GET /users/delta`, and the links in its answers.

Sources: "Use delta query to track changes in Microsoft Graph data", "user: delta",
"group: delta", "directoryObject: delta".
"""

import random
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from entra_emulator.directory.steps import Steps
from entra_emulator.errors import deny
from entra_emulator.graph.answer import answer_json, describe_set, wants_no_metadata
from entra_emulator.graph.call import Call
from entra_emulator.graph.delta.page import JoinedPage, join_page
from entra_emulator.graph.delta.round import DeltaPage, read_round
from entra_emulator.graph.delta.tokens import INITIAL, DeltaRound, open_round, seal_round
from entra_emulator.graph.delta.tracked import DeltaQuery, read_delta_query, write_options
from entra_emulator.graph.error_object import answer_refusal
from entra_emulator.graph.query.options import parse_options
from entra_emulator.web.context import trace_of

_encode = msgspec.json.Encoder().encode


async def show_delta(call: Call, *, collection: str, kinds: Collection[str]) -> Response:
    """`GET /{collection}/delta`: a page of the changes, or of all objects in a first round."""
    # First, so that objects that were in the bin for too long are reported as deleted for good.
    if call.directory.recycle_bin.has_expired(call.tenant):
        await call.context.work.write(call.directory.recycle_bin.purge_expired, call.tenant)
    state = _find_round(call, collection, kinds)
    if isinstance(state, Response):
        return state
    # This takes less than a millisecond; to hand it to a thread would cost a part of that.
    page = join_page(call, state)
    return answer_round(call, state, page) if page else await call.read(_show(call, state))


def _find_round(call: Call, collection: str, kinds: Collection[str]) -> DeltaRound | Response:
    """The round that the options request, or an answer without objects."""
    options = parse_options(call.query_string)
    kind, token = read_token(options)
    if token.lower() in {"", "latest"}:
        query = read_delta_query(collection, kinds, options, call.readable)
        state = DeltaRound(query, call.now, INITIAL, _read_watermark(call))
        return answer_round(call, state, DeltaPage([], None)) if token else state
    state = open_round(call.context.page_key, call.tenant.id, kind, collection, token)
    # Every change after this one must still be in the log. A first round reads the objects, and
    # needs no changes before its end.
    needed = state.until if kind == "delta" or state.after == INITIAL else state.after
    changes = call.directory.changes
    # After a snapshot was restored, later changes are not known.
    known = changes.read_floor() <= needed <= changes.read_watermark()
    return refuse_round(call, kind, state, known=known) or _continue(call, kind, state)


def read_token(options: Mapping[str, str]) -> tuple[str, str]:
    """
    The kind of the token in the query options, "skip" or "delta", and the token.

    The token is empty at the beginning of a query, also when it begins again: a 410 sends the
    client to an address with an empty token. "latest" begins with future changes.

    Raises:
        GraphRefusal: 400, there are two tokens.
    """
    if options.get("$skiptoken") and options.get("$deltatoken"):
        raise deny("delta_tokens")
    if options.get("$skiptoken"):
        return "skip", options["$skiptoken"]
    return "delta", options.get("$deltatoken", "")


def refuse_round(call: Call, kind: str, state: DeltaRound, *, known: bool) -> Response | None:
    """
    The answer to a token that is no longer valid, with an address to begin again; None if it is.

    `known` says whether the changes that the round needs are still known.

    Raises:
        GraphRefusal: 400, the answer has no address to begin again.
    """
    refusal = _find_refusal(call, kind, state, known=known)
    if refusal == "delta_reset":
        restart = f"{call.origin}{call.path}?{write_options(state.query)}$deltatoken="
        return answer_refusal(call.request, deny(refusal), headers={"Location": restart})
    if refusal is not None:
        raise deny(refusal)
    return None


def _find_refusal(call: Call, kind: str, state: DeltaRound, *, known: bool) -> str | None:
    """Why a token is no longer valid, as a word for `deny`; None if it is valid."""
    if "delta_reset" in call.effects:
        return "delta_reset"
    if kind == "skip" and "page_token" in call.effects:
        return "page_token_expired"
    if call.now - state.issued > call.context.delta.age or not known:
        # Both answers are documented, 410 and 400, so a setting decides.
        return "delta_reset" if call.context.delta.gone else "delta_token_expired"
    return None


def _continue(call: Call, kind: str, state: DeltaRound) -> DeltaRound:
    """
    The round that a token leads to.

    Other options in the query are ignored, because the token has those of the first request.
    """
    minimal = call.prefers("return=minimal")
    if kind == "skip":
        return msgspec.structs.replace(state, minimal=minimal or state.minimal)
    # A lagging replica may know fewer changes than the client; a round never goes back.
    until = max(state.until, _read_watermark(call))
    return DeltaRound(state.query, call.now, state.until, until, minimal=minimal)


def _read_watermark(call: Call) -> int:
    """The number of the last change that the answering replica knows."""
    if call.lag:
        return call.directory.changes.read_watermark_at(call.tenant, call.now - call.lag)
    return call.directory.changes.read_watermark()


def _show(call: Call, state: DeltaRound) -> Steps[Response]:
    """The next page, with the planned faults."""
    page = disturb(call, state, (yield from read_round(call, state)))
    return answer_round(call, state, page)


def disturb(call: Call, state: DeltaRound, page: DeltaPage) -> DeltaPage:
    """The page as the planned faults change it."""
    if "empty_page" in call.effects:
        # The position stays the same, so that an empty page leaves nothing out.
        return DeltaPage([], state.position)
    items = list(page.items)
    step, major, link, minor = msgspec.structs.astuple(state.position)
    # The position is the seed, so that the same request is always changed in the same way. It is
    # written out, so that the result does not change when a class is renamed.
    seed = f"{state.until} Place({step=}, {major=}, {link=}, {minor=})"
    draws = random.Random(seed)  # noqa: S311 - chance, not secrecy
    if "delta_drop" in call.effects and items:
        items.pop(draws.randrange(len(items)))
    if "delta_repeat" in call.effects:
        items = [item for item in items for _ in range(2)]
    if "delta_shuffle" in call.effects:
        draws.shuffle(items)
    return DeltaPage(items, page.position)


def answer_round(call: Call, state: DeltaRound, page: DeltaPage | JoinedPage) -> Response:
    """A page in the documented order of keys: context, link, value."""
    body: dict[str, Any] = {}
    if not wants_no_metadata(call):
        metadata = f"{call.origin}/{call.version}/$metadata"
        body["@odata.context"] = f"{metadata}#{_describe(state.query)}"
    mark = trace_of(call.request).request_id[:8]
    fresh = msgspec.structs.replace(state, issued=call.now, mark=mark)
    if page.position is None:
        token = _seal(
            call, "delta", DeltaRound(state.query, call.now, INITIAL, state.until, mark=mark)
        )
        body["@odata.deltaLink"] = f"{call.origin}{call.path}?$deltatoken={token}"
    else:
        token = _seal(call, "skip", msgspec.structs.replace(fresh, position=page.position))
        body["@odata.nextLink"] = f"{call.origin}{call.path}?$skiptoken={token}"
    if isinstance(page, JoinedPage):
        body["value"] = msgspec.Raw(b"[%b]" % page.body)
    else:
        body["value"] = page.items
    answer = answer_json(call, _encode(body))
    if state.after != INITIAL and call.prefers("return=minimal"):
        answer.headers["Preference-Applied"] = "return=minimal"
    return answer


def _seal(call: Call, kind: str, state: DeltaRound) -> str:
    return seal_round(call.context.page_key, call.tenant.id, kind, state)


def _describe(query: DeltaQuery) -> str:
    """The fragment of the context; in real answers no `/$delta` follows it (docs#18628)."""
    return describe_set(query.collection, query.types[0].select if len(query.types) == 1 else None)
