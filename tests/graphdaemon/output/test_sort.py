"""--sort: any number of records, in flat memory, as sorted() would have them."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.output.atomic_file import open_scratch
from graphdaemon.output.sort import Sorter, make_key_reader
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import records, scalars, texts, values, written


class Memory:
    """Room for bytes, in memory."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()

    def write(self, data: bytes, /) -> None:
        self._bytes.seek(0, io.SEEK_END)
        self._bytes.write(data)

    def read(self, size: int, offset: int, /) -> bytes:
        self._bytes.seek(offset)
        return self._bytes.read(size)


def run(sorter: Sorter, corrections: Any = None) -> list[dict[str, Any]]:
    batches = sorter.read(corrections or {})
    return [json.loads(bytes(record)) for batch in batches for record in batch]


def rank(row: dict[str, Any], name: str) -> tuple[int, Any, str]:
    value = row.get(name)
    if value is None:
        kind: tuple[int, Any] = 0, 0
    elif isinstance(value, bool):
        kind = 1, value
    elif isinstance(value, int | float):
        kind = 2, value
    elif isinstance(value, str):
        kind = 3, value
    else:
        kind = 4, json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return *kind, row.get("id", "")


rows_of = st.lists(st.fixed_dictionaries({"id": texts}, optional={"key": scalars}), max_size=30)


@given(rows_of, st.integers(1, 400), st.sampled_from(["id", "key"]))
def test_it_is_sorted(rows: list[dict[str, Any]], part: int, name: str) -> None:
    """Whatever the parts it was sorted in, and equal ones stay as they came."""
    rows = json.loads(json.dumps(rows))
    sorter = Sorter(Memory(), name, part=part)

    for row in rows:
        sorter.write(records(row))

    assert run(sorter) == sorted(rows, key=lambda row: rank(row, name))


@given(st.lists(st.fixed_dictionaries({"id": texts, "key": values}), max_size=10))
def test_nested_values_have_a_place_too(rows: list[dict[str, Any]]) -> None:
    """Sorting by a list does not fail, and loses nothing."""
    rows = json.loads(json.dumps(rows))
    sorter = Sorter(Memory(), "key", part=50)
    sorter.write(records(*rows))

    found = run(sorter)
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, rows))
    assert [rank(row, "key")[0] for row in found] == sorted(rank(row, "key")[0] for row in rows)


@given(
    st.dictionaries(texts, st.integers(0, 9), max_size=20),
    st.data(),
    st.integers(1, 200),
)
def test_corrections_take_their_place(keys: dict[str, int], data: st.DataObject, part: int) -> None:
    """A record that changed stands where its new value belongs, one that is gone nowhere."""
    late = data.draw(
        st.dictionaries(st.sampled_from(sorted(keys)), st.none() | st.integers(0, 9))
        if keys
        else st.just({})
    )
    sorter = Sorter(Memory(), "key", part=part)
    for id_, key in keys.items():
        sorter.write(records({"id": id_, "key": key}))
    corrections = {
        id_: None if key is None else records({"id": id_, "key": key})[0]
        for id_, key in late.items()
    }

    after = {id_: key for id_, key in (keys | late).items() if key is not None}
    wanted = sorted((key, id_) for id_, key in after.items())
    assert [(row["key"], row["id"]) for row in run(sorter, corrections)] == wanted


def test_numbers_beyond_a_float_are_in_order() -> None:
    """Long integers by value, 1e400 behind them all."""
    spec = OutputSpec("ndjson", sort="n")
    big, bigger = 12345678901234567890123, 12345678901234567890124

    assert [
        json.loads(line)["n"]
        for line in written(spec, {"n": bigger}, {"n": big}, {"n": -1.5}).splitlines()
    ] == [-1.5, big, bigger]


def test_an_integer_of_more_digits_than_python_reads_has_its_place() -> None:
    """Behind every other, or before."""
    read_keys = make_key_reader("n")
    digits = "9" * 5_000
    numbers = (digits, "1e400", "1e300", "7", "0.5", "1e-7", "0", "-1e-7", f"-{digits}")
    lines = [f'{{"id":"1","n":{number}}}\n' for number in numbers]

    ranked = sorted(lines, key=lambda line: read_keys(line.encode())[0])

    assert ranked == lines[::-1]


@pytest.mark.parametrize("end", ["9" * 5_000, "-" + "9" * 5_000])
def test_an_exponent_of_more_digits_than_python_reads_has_its_place(end: str) -> None:
    """It is as far from zero as any, or as near."""
    lines = [f'{{"id":"1","n":{number}}}\n' for number in ("1e-300", f"1e{end}", "1e300")]

    ranked = sorted(lines, key=lambda line: make_key_reader("n")(line.encode())[0])

    assert ranked.index(lines[1]) == (0 if end.startswith("-") else 2)


@given(
    st.lists(
        st.fixed_dictionaries({"parent": st.fixed_dictionaries({"id": texts, "a": scalars})}),
        max_size=10,
    )
)
def test_a_path_leads_into_objects(rows: list[dict[str, Any]]) -> None:
    sorter = Sorter(Memory(), "parent.a", id_path="parent.id", part=60)
    rows = json.loads(json.dumps(rows))
    for row in rows:
        sorter.write(records(row))

    assert run(sorter) == sorted(rows, key=lambda row: rank(row["parent"], "a"))


def test_memory_is_flat(tmp_path: Path) -> None:
    """Five times the records need no more memory, but for the list of parts."""
    peaks = []
    for number in (2_000, 10_000):
        space = open_scratch(tmp_path)
        sorter = Sorter(space, "key", part=1 << 17)
        tracemalloc.start()
        for start in range(0, number, 1000):
            sorter.write(
                records(
                    *(
                        {"id": f"{n:08}", "key": n * 7919 % number, "x": "y" * 200}
                        for n in range(start, start + 1000)
                    )
                )
            )
        assert sum(len(batch) for batch in sorter.read({})) == number
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        space.discard()

    assert peaks[1] < peaks[0] * 1.3


def test_records_that_are_equal_stay_as_they_came() -> None:
    """Though they are in many parts, of which each is read in several pieces."""
    rows = [{"id": "1", "key": "a", "n": number, "": "x" * 100} for number in range(1_000)]
    sorter = Sorter(Memory(), "key", part=1 << 14)
    for start in range(0, len(rows), 50):
        sorter.write(records(*rows[start : start + 50]))

    assert [row["n"] for row in run(sorter)] == list(range(1_000))


def test_a_text_with_a_nul_comes_behind_what_it_begins_with() -> None:
    """Whatever the IDs are."""
    sorter = Sorter(Memory(), "key")
    sorter.write(records({"id": "a", "key": "x\0"}, {"id": "b", "key": "x\0\0"}))
    sorter.write(records({"id": "z", "key": "x"}))

    assert [row["id"] for row in run(sorter)] == ["z", "a", "b"]


def test_numbers_with_exponents_of_ten_digits_are_in_order() -> None:
    read_keys = make_key_reader("n")
    numbers = ("-1e9999999999", "-1e999999998", "1e-9999999999", "1e-7", "1e999999998")
    lines = [f'{{"id":"1","n":{number}}}\n' for number in (*numbers, "1e9999999999")]
    lines[2:2] = ['{"id":"1","n":-12}\n', '{"id":"1","n":-1.5}\n', '{"id":"1","n":-1}\n']

    assert sorted(lines, key=lambda line: read_keys(line.encode())[0]) == lines


def test_an_id_may_be_a_word() -> None:
    """An API of one's own may call anything an ID; texts, words and none are told apart."""
    sorter = Sorter(Memory(), "key")
    sorter.write(records({"id": True, "key": None}, {"id": False, "key": None}, {"key": None}))

    assert [row.get("id") for row in run(sorter)] == [None, False, True]
