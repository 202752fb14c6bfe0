"""Whose a record is stands first in it, and nobody else can write it there."""

from __future__ import annotations

import json

import msgspec
import pytest

from graphdaemon.errors import UsageError
from graphdaemon.output.tenant_member import add_tenant


@pytest.mark.parametrize(
    ("record", "labelled"),
    [
        ('{"id":"1"}', {"tenant": "contoso", "id": "1"}),
        (' \n{ "id": "1" }', {"tenant": "contoso", "id": "1"}),
        ("{ }", {"tenant": "contoso"}),
        ('"text"', {"tenant": "contoso", "value": "text"}),
        ("[1,2]", {"tenant": "contoso", "value": [1, 2]}),
        ('{"of":{"tenant":"x"}}', {"tenant": "contoso", "of": {"tenant": "x"}}),
        ('{"name":"\\u0041"}', {"tenant": "contoso", "name": "A"}),
    ],
)
def test_the_member_stands_first(record: str, labelled: dict[str, object]) -> None:
    """Of objects as they were sent; what is no object becomes the value of one."""
    (written,) = add_tenant([msgspec.Raw(record.encode())], "contoso")

    assert list(json.loads(bytes(written)).items()) == list(labelled.items())


@pytest.mark.parametrize("name", ['"tenant"', '"\\u0074enant"'])
def test_a_record_cannot_say_whose_it_is(name: str) -> None:
    """The member of an API of one's own would stand beside ours, or in its place."""
    with pytest.raises(UsageError, match="tenant"):
        add_tenant([msgspec.Raw(f'{{"id":"1",{name}:"fabrikam"}}'.encode())], "contoso")
