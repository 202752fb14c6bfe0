import pytest

from entra_emulator.directory.objects import StoredObject
from entra_emulator.graph.render import (
    render_joined_neighbours,
    render_neighbours,
    render_records,
)


def test_render() -> None:
    """Selected properties stand in the order asked; unset ones are null, or an empty list."""
    docs = [b'{"id":"1","mail":"\\u00e4","tags":[1, 2]}', b'{"extension_0a_x":5}']

    body = render_records("application", ("tags", "extension_0a_x", "id"), docs)

    assert body == b'{"tags":[1, 2],"id":"1"},{"tags":[],"extension_0a_x":5,"id":null}'
    assert render_records("user", ("id",), []) == b""


@pytest.mark.parametrize("kinds", ["user user", "user group user", "application application", ""])
@pytest.mark.parametrize("select", [None, ("id", "displayName"), ("displayName", "mail")])
@pytest.mark.parametrize("readable", ["user group application", "group", "user.basic"])
@pytest.mark.parametrize("typed", [True, False])
def test_joined_objects_are_shown_as_those_that_stand_alone(
    kinds: str, select: tuple[str, ...] | None, readable: str, *, typed: bool
) -> None:
    rows = [
        StoredObject(kind, number, b'{"id":"%d","displayName":"a,{}]"}' % number)
        for number, kind in enumerate(kinds.split())
    ]
    may = frozenset(readable.split())

    body = render_joined_neighbours(
        kinds.split(), b",".join(row.doc for row in rows), select, may, typed=typed
    )

    assert body == b",".join(render_neighbours(rows, select, may, typed=typed))
