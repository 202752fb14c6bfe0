"""The columns where nothing is selected."""

from __future__ import annotations

import pytest

from entra_emulator.model import schema
from graphdaemon.output.arrow.default_columns import (
    TYPE_NOTE,
    find_default_columns,
    has_several_types,
)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("users", "user"),
        ("v1.0/groups", "group"),
        ("users/1/memberOf/microsoft.graph.group", "group"),
        ("applications", "application"),
        ("servicePrincipals", "servicePrincipal"),
    ],
)
def test_they_are_what_the_other_program_shows(path: str, kind: str) -> None:
    """Each has it from the recorded answers by itself."""
    assert set(find_default_columns(path)) == set(schema.default(kind))


def test_of_other_types_everything_that_is_published_is_shown() -> None:
    assert {"id", "displayName", "trustType"} <= {*find_default_columns("devices")}


@pytest.mark.parametrize("path", ["auditLogs/signIns", "beta/users", "nothing/like/it"])
def test_elsewhere_nothing_is_known(path: str) -> None:
    assert find_default_columns(path) == ()


def test_a_list_of_several_types_has_the_columns_of_each() -> None:
    """And the note that says which it is."""
    names = find_default_columns("groups/1/members")

    assert names[0] == TYPE_NOTE
    for path in ("users", "groups", "devices"):
        assert {*find_default_columns(path)} <= {*names}
    assert len(names) == len(set(names))
    assert has_several_types("groups/1/members")
    assert not has_several_types("users")
