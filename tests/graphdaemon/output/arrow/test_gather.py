"""Pages become tables of a bounded size."""

from __future__ import annotations

import pytest

from graphdaemon.output.arrow.columns import Columns
from graphdaemon.output.arrow.frame import Frame
from graphdaemon.output.arrow.gather import Gatherer
from tests.support.output_records import records

pytest.importorskip("pyarrow")


def gatherer() -> Gatherer:
    return Gatherer(Frame(Columns({"id": "text"})))


def test_a_table_is_made_of_twenty_thousand_records() -> None:
    """Each record is in one, in its order."""
    one = gatherer()
    pages = [
        records(*({"id": str(n)} for n in range(at, at + 999))) for at in range(0, 45_000, 999)
    ]
    tables = [one.make() for page in pages if one.add(page)]
    tables.append(one.make())

    assert [table.num_rows for table in tables] == [20_979, 20_979, 46 * 999 - 2 * 20_979]
    ids = [id_ for table in tables for id_ in table.column("id").to_pylist()]
    assert ids == [str(n) for n in range(46 * 999)]


def test_large_records_are_not_kept_until_they_are_many() -> None:
    one = gatherer()
    large = records({"id": "x" * (9 << 20)})

    assert [one.add(large), one.add([]), one.add(large)] == [False, False, True]
    assert one.rows == 2
    assert one.make().num_rows == 2
    assert one.rows == 0
    assert [one.add(large), one.add(large)] == [False, True]
    assert one.make().num_rows == 2
    assert one.make().num_rows == 0
