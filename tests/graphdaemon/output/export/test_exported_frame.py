"""Records in Arrow's types."""

from __future__ import annotations

import datetime as dt

import pytest

from graphdaemon.errors import OutputError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.output.export.exported_frame import ExportedFrame
from graphdaemon.store.current import CurrentRecord
from tests.support.exported_store import ANA, BO, SELECTED
from tests.support.store_fixtures import document

pa = pytest.importorskip("pyarrow")
TIME = "2026-11-01T08:00:00.000000Z"


def frame(*names: str) -> ExportedFrame:
    return ExportedFrame(STORED_COLLECTIONS["users"], names or SELECTED)


def record(id_: str, content: bytes | None) -> CurrentRecord:
    return CurrentRecord("t", id_, TIME if content else "", content)


def test_properties_have_the_types_that_microsoft_publishes() -> None:
    """Nested ones, too."""
    schema = frame().schema

    assert str(schema.field("createdDateTime").type) == "timestamp[us, tz=UTC]"
    assert schema.field("accountEnabled").type == pa.bool_()
    assert str(schema.field("assignedLicenses").type) == (
        "list<item: struct<disabledPlans: list<item: string>, skuId: string>>"
    )
    assert schema.field("extension_x").type == pa.string()
    assert schema.names[:3] == ["tenant", "id", "valid_from"]


def test_values_arrive_as_they_are() -> None:
    """A seventh digit of a second has no place; what may be anything is its JSON."""
    ana, bo, gone = (
        frame()
        .convert([record("a", ANA.document), record("b", BO.document), record("c", None)])
        .to_pylist()
    )

    assert ana["displayName"] == 'Ana "ü名🎈"'
    assert ana["createdDateTime"] == dt.datetime(2026, 3, 1, 9, 10, 11, 123456, tzinfo=dt.UTC)
    assert ana["assignedLicenses"] == [{"skuId": "s", "disabledPlans": ["p", "q"]}]
    assert ana["businessPhones"] == ["1", "2"]
    assert ana["onPremisesExtensionAttributes"]["extensionAttribute1"] == "x"
    assert ana["extension_x"] == '{"any":[1,null]}'
    assert (bo["accountEnabled"], bo["assignedLicenses"], bo["extension_x"]) == (False, [], None)
    assert gone == dict.fromkeys(frame().schema.names) | {"tenant": "t", "id": "c"}


def test_a_record_may_be_longer_than_any_block() -> None:
    name = "x" * (5 << 20)
    table = frame("displayName").convert([record("a", document("a", displayName=name))])
    assert table.column("displayName").to_pylist() == [name]


def test_no_records_are_a_table_without_rows() -> None:
    assert frame().convert([]).num_rows == 0
    assert [
        batch.num_rows for batch in frame().read_batches([[], [record("a", b'{"id":"a"}')], []])
    ] == [1]


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OutputError, match="accountEnabled") as caught:
        frame().convert([record("a", document("a", accountEnabled="yes"))])
    assert "ndjson" in (caught.value.hint or "")
