"""Queries that are refused, and the texts they are refused with."""

from urllib.parse import quote

import pytest

from entra_emulator.errors import GraphRefusal
from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.graph.query.options import read_query


def refuse(kind: str, raw: str, *, eventual: bool = False, related: bool = False) -> str:
    with pytest.raises(GraphRefusal) as caught:
        read_query(kind, raw, eventual=eventual, related=related)
    return caught.value.message


def text_of(word: str, **values: object) -> str:
    return GRAPH_REFUSALS[word].message.format(**values)


def judge_filter(
    text: str,
    *,
    eventual: bool = False,
    count: bool = False,
    strict: bool = False,
    kind: str = "user",
) -> str:
    """The message that a filter is refused with, or "ok"."""
    raw = f"$filter={quote(text)}" + ("&$count=true" if count else "")
    try:
        read_query(kind, raw, eventual=eventual, strict=strict)
    except GraphRefusal as refusal:
        return refusal.message
    return "ok"


def no_property(name: str, kind: str = "User") -> str:
    return text_of("property_refused", name=name, kind=kind)
