"""Documents of a listing and of a delta are brought into one form, and compared by value."""

import json

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.sync.document import ListForm, is_same

FORM = ListForm(("id", "displayName", "otherMails", "manager"), frozenset({"otherMails"}))


def test_what_a_delta_leaves_out_of_a_new_object_is_not_set() -> None:
    """Every selected property is there, in the order of the selection; nothing else is."""
    document = FORM.fill(b'{"@odata.type":"#x","displayName":"Ana","id":"1","mail":"a@x"}')

    assert document == b'{"id":"1","displayName":"Ana","otherMails":[],"manager":null}'


def test_what_a_delta_leaves_out_of_a_known_object_stays() -> None:
    """Only what it names is new, and what was not selected is dropped."""
    stored = b'{"displayName":"Ana","id":"1","otherMails":["a"],"manager":null}'

    document = FORM.merge(stored, b'{"id":"1","otherMails":null,"mail":"a@x"}')

    assert document == b'{"displayName":"Ana","id":"1","otherMails":[],"manager":null}'


def test_a_property_is_known_in_whatever_case_it_was_selected() -> None:
    """Graph answers with its own spelling, which the document has."""
    form = ListForm(("id", "EXTENSION_a_Team", "Badge"))

    first = form.fill(b'{"id":"1","extension_a_team":"x"}')
    second = form.merge(first, b'{"extension_a_team":"y","badge":7,"id":"1"}')

    assert first == b'{"id":"1","extension_a_team":"x","Badge":null}'
    assert second == b'{"id":"1","extension_a_team":"y","Badge":7}'


@pytest.mark.parametrize("number", ["1e400", "12345678901234567890123", "1.0", "0.1"])
def test_numbers_stay_as_they_were_written(number: str) -> None:
    """No value passes through a number of Python's."""
    stored = b'{"id":"1","manager":%b}' % number.encode()

    assert FORM.merge(stored, b'{"id":"1","displayName":"B"}') == (
        b'{"id":"1","manager":%b,"displayName":"B"}' % number.encode()
    )
    assert is_same(stored, b'{"manager":%b, "id":"1"}' % number.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": None}, {}),
        ({"a": []}, {}),
        ({"a": []}, {"a": None}),
        ({"@odata.type": "#x", "a": 1}, {"a": 1}),
        ({"a": [{"b": [1, 2], "c": None}]}, {"a": [{"b": [2, 1], "c": None}]}),
        ({"a": {"b": ["x", "y"]}}, {"a": {"b": ["y", "x"]}}),
    ],
)
def test_the_same_values_in_another_form_are_the_same(
    one: dict[str, object], other: dict[str, object]
) -> None:
    """Neither the order of a list nor the way in which nothing is said makes a difference."""
    assert is_same(json.dumps(one).encode(), json.dumps(other).encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": [1, 1]}, {"a": [1]}),
        ({"a": False}, {}),
        ({"a": 0}, {"a": None}),
        ({"a": ""}, {}),
        ({"a": True}, {"a": 1}),
        ({"a": "1"}, {"a": 1}),
        ({"a": ["1"]}, {"a": [1]}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}),
    ],
)
def test_other_values_are_not_the_same(one: dict[str, object], other: dict[str, object]) -> None:
    """What is empty, false or 0 is a value, and so is how often something is in a list."""
    assert not is_same(json.dumps(one).encode(), json.dumps(other).encode())


@pytest.mark.parametrize("text", [b"[]", b"null", b"{", b'"x"'])
def test_what_is_no_object_is_refused(text: bytes) -> None:
    """Nothing of it is stored."""
    with pytest.raises(GraphError):
        FORM.fill(text)
