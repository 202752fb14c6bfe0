"""Queries that are refused, and the texts they are refused with."""

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
