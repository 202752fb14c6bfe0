"""What an option names, some record has to have."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from graphdaemon.errors import UsageError
from graphdaemon.output.required_properties import RequiredProperties
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import records, write_file


def test_a_property_of_any_record_is_enough() -> None:
    required = RequiredProperties([("mail", "--sort"), ("city", "--query")])
    required.look(records({"id": 1, "mail": None}, "a text", {"id": 2, "city": "Rio"}))

    required.refuse()


def test_a_property_of_none_is_refused_and_the_nearest_named() -> None:
    required = RequiredProperties([("totl", "--sort")])
    required.look(records({"id": 1, "total": 3}))

    with pytest.raises(UsageError, match="--sort: no record has a property totl") as caught:
        required.refuse()
    assert caught.value.hint == "Did you mean total?"


def test_where_there_is_no_record_all_is_well() -> None:
    required = RequiredProperties([("total", "--sort")])
    required.look([])

    required.refuse()


@pytest.mark.parametrize("sort", [None, "id"])
def test_no_file_is_made_that_a_misspelt_name_has_emptied(tmp_path: Path, sort: str | None) -> None:
    path = tmp_path / "orders.ndjson"
    spec = OutputSpec(
        "ndjson", file=path, query="[?totl]", sort=sort, required=(("totl", "--query"),)
    )

    with pytest.raises(UsageError, match="no record has a property totl"):
        write_file(spec, {"id": "1", "total": 3})
    assert list(tmp_path.iterdir()) == []


def test_what_is_printed_is_ended_in_good_form() -> None:
    spec = OutputSpec("json", query="[?totl]", required=(("totl", "--query"),))
    stream = io.TextIOWrapper(io.BytesIO())

    with Sink(spec, stream) as sink:
        sink.write(records({"id": "1", "total": 3}))
        with pytest.raises(UsageError, match="totl"):
            sink.finish()
    assert stream.buffer.getvalue() == b'{\n  "value": []\n}\n'
