"""
Delta queries of consents to scopes: `GET /oauth2PermissionGrants/delta`.

Source: "oauth2permissiongrant: delta". The log of changes knows directory objects alone, so that
the grants are compared with what they were when the client asked before.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from entra_emulator.errors import deny
from entra_emulator.graph.answer import pick
from entra_emulator.graph.call import Call
from entra_emulator.graph.delta.endpoint import answer_round, disturb, read_token, refuse_round
from entra_emulator.graph.delta.items import render_removed
from entra_emulator.graph.delta.round import DeltaPage
from entra_emulator.graph.delta.tokens import INITIAL, DeltaRound, RoundPosition, open_round
from entra_emulator.graph.delta.tracked import MOST_IDS, DeltaQuery, TrackedType
from entra_emulator.graph.query.options import parse_options
from entra_emulator.graph.query.select import read_select
from entra_emulator.model.records import Record

_KIND, _SET = "oAuth2PermissionGrant", "oauth2PermissionGrants"

# The page writes the ID of the example without quotes.
_CLAUSE = re.compile(r"\s*id\s+eq\s+(?:'([\w-]+)'|([\w-]+))\s*", re.IGNORECASE)
_OR = re.compile(r"(?<=\s)or(?=\s)", re.IGNORECASE)


def show_grants_delta(call: Call) -> Response:
    """A page of the changes, or of all grants in a first round."""
    options = parse_options(call.query_string)
    kind, token = read_token(options)
    if token.lower() in {"", "latest"}:
        state = DeltaRound(_read_query(options), call.now, INITIAL, _take(call))
        page = DeltaPage([], None) if token else _read_page(call, state)
        return answer_round(call, state, page)
    state = open_round(call.context.page_key, call.tenant.id, kind, _SET, token)
    known = {number for number in (state.after, state.until) if number != INITIAL}
    kept = all(_find(call, number) is not None for number in known)
    if (refusal := refuse_round(call, kind, state, known=kept)) is not None:
        return refusal
    minimal = call.prefers("return=minimal")
    if kind == "delta":
        state = DeltaRound(state.query, call.now, state.until, _take(call), minimal=minimal)
    else:
        state = msgspec.structs.replace(state, minimal=minimal or state.minimal)
    return answer_round(call, state, _read_page(call, state))


def _take(call: Call) -> int:
    grants = call.directory.consents.list_grants(call.tenant)
    return call.context.grant_snapshots.take(call.tenant, grants)


def _find(call: Call, number: int) -> Mapping[str, Record] | None:
    return call.context.grant_snapshots.find(call.tenant, number)


def _read_page(call: Call, state: DeltaRound) -> DeltaPage:
    before = {} if state.after == INITIAL else _find(call, state.after)
    now = _find(call, state.until)
    assert before is not None, "the round was refused otherwise"
    assert now is not None, "the round was refused otherwise"
    items = _compare(state, before, now)
    start = state.position.major
    end = start + call.context.delta.page
    position = RoundPosition(major=end) if end < len(items) else None
    return disturb(call, state, DeltaPage(items[start:end], position))


def _compare(
    state: DeltaRound, before: Mapping[str, Record], now: Mapping[str, Record]
) -> list[dict[str, Any]]:
    """The grants that are new or have changed, then those that were removed."""
    query = state.query
    tracked = [key for key in {**now, **before} if not query.ids or key in query.ids]
    select = query.types[0].select

    def show(grants: Mapping[str, Record], key: str) -> Record | None:
        # `id` is always reported, even if `$select` does not name it.
        return pick(grants[key], select) | {"id": key} if key in grants else None

    items: list[dict[str, Any]] = []
    for key in tracked:
        old, new = show(before, key), show(now, key)
        if new is not None and new != old:
            same = old.items() if state.minimal and old is not None else ()
            items.append(dict(new.items() - same) | {"id": key} if same else new)
    gone = [key for key in tracked if key in before and key not in now]
    return items + [render_removed(key, restorable=False) for key in gone]


def _read_query(options: Mapping[str, str]) -> DeltaQuery:
    for option in ("$orderby", "$search", "$skip"):
        if option in options:
            raise deny("delta_option", option=option)
    ids = []
    text = options.get("$filter", "")
    for clause in _OR.split(text) if text.strip() else ():
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise deny("delta_filter")
        ids.append(match[1] or match[2])
    if len(set(ids)) > MOST_IDS:
        raise deny("delta_many", most=MOST_IDS)
    select = read_select(_KIND, options.get("$select", ""), collection=True)
    return DeltaQuery(_SET, (TrackedType(_KIND, select, ()),), tuple(dict.fromkeys(ids)))
