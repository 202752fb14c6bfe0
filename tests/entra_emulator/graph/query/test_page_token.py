"""Page tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_emulator.directory.object_collections import Position
from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.query.options import read_query
from entra_emulator.graph.query.page_token import open_position, seal_position


def test_binding() -> None:
    """A page token belongs to a type, a mode and a set of options, in any order of them."""
    one = read_query("user", "$select=id&$top=5&$skiptoken=a", eventual=True)
    same = read_query("user", "%24top=5&%24SELECT=id", eventual=True)
    others = [
        read_query("user", "$top=5&$select=id", eventual=False),
        read_query("group", "$top=5&$select=id", eventual=True),
        read_query("user", "$top=6&$select=id", eventual=True),
    ]

    assert one.binding == same.binding
    assert all(other.binding != one.binding for other in others)


@given(st.text(max_size=20) | st.none(), st.integers(0, 2**60))
def test_position(value: str | None, seq: int) -> None:
    """A page token gives back the position that was put into it."""
    token = seal_position(b"key", b"query", 1000.0, Position(value, seq))

    assert open_position(b"key", b"query", 1005.0, 10.0, token) == Position(value, seq)
    with pytest.raises(GraphRefusal, match="expired"):
        open_position(b"key", b"query", 1011.0, 10.0, token)
    with pytest.raises(GraphRefusal, match="Invalid"):
        open_position(b"key", b"other", 1005.0, 10.0, token)
