"""JSON and NDJSON: the formats that keep a record as it is."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.output.formats.json import JsonWriter
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import records, values, written


def test_json_is_one_object_with_value() -> None:
    """The sample's shape and indentation, whatever the pages were."""
    stream = io.BytesIO()
    writer = JsonWriter(stream)
    users = [{"id": "1", "tags": ["a"], "name": "Ana\nB"}, {"id": "2", "phones": []}, {"id": "3"}]

    writer.write(records(*users[:2]))
    writer.write([])
    writer.write(records(users[2]))
    writer.finish()

    assert stream.getvalue().decode() == json.dumps({"value": users}, indent=2) + "\n"


def test_json_of_nothing_is_an_empty_value() -> None:
    """No users is an answer too."""
    stream = io.BytesIO()
    JsonWriter(stream).finish()

    assert json.loads(stream.getvalue()) == {"value": []}


def test_json_that_was_cut_short_cannot_be_read() -> None:
    """A listing that failed leaves no document that looks whole."""
    stream = io.BytesIO()
    JsonWriter(stream).write(records({"id": "1"}))

    with pytest.raises(json.JSONDecodeError):
        json.loads(stream.getvalue())


def test_json_of_one_object_is_that_object() -> None:
    """What was asked for by its path needs no list around it."""
    user = {"id": "1", "tags": ["a"]}

    assert (
        written(OutputSpec("json", single=True), user).decode() == json.dumps(user, indent=2) + "\n"
    )


@given(st.lists(st.dictionaries(st.text(max_size=5), values, max_size=4), max_size=5))
def test_any_record_comes_back_from_either(rows: list[dict[str, object]]) -> None:
    """Whatever a record holds, JSON and NDJSON give the same again."""
    rows = json.loads(json.dumps(rows))
    lines = written(OutputSpec("ndjson"), *rows).decode().split("\n")[:-1]

    assert [json.loads(line) for line in lines] == rows
    assert json.loads(written(OutputSpec("json"), *rows)) == {"value": rows}
