"""Records in Arrow: everything that was in them, in columns of the published types."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdaemon.errors import GraphError, OutputError
from graphdaemon.graph.property_types import PropertyType, find_types_at
from graphdaemon.output.arrow.columns import Columns
from graphdaemon.output.arrow.frame import Frame
from tests.support.arrow_meaning import has_unpublished, mean, values_of

pytest.importorskip("pyarrow")

NAMES = (
    *("id", "displayName", "createdDateTime", "accountEnabled", "deviceVersion"),
    *("proxyAddresses", "assignedLicenses", "passwordCredentials", "api", "extension_x"),
)
TYPES = find_types_at("directoryObjects", NAMES)


def make(*names: str, path: str = "directoryObjects", keeps_rest: bool = False) -> Frame:
    return Frame(Columns(find_types_at(path, names), keeps_rest))


def read(frame: Frame, *records: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = frame.convert(
        [one if isinstance(one, bytes) else json.dumps(one).encode() for one in records]
    ).to_pylist()
    return rows


def expect(record: dict[str, Any], types: dict[str, PropertyType], *, whole: bool) -> Any:
    """The row of a record, from the record alone."""
    rest = {
        name: value
        for name, value in record.items()
        if (has_unpublished(value, types[name]) if name in types else whole and "@" not in name)
    }
    return {name: mean(record.get(name), kind) for name, kind in types.items()}, rest


@given(st.data(), st.booleans(), st.booleans(), st.sampled_from([None, 2]))
@settings(max_examples=100)
def test_a_table_holds_what_the_records_do(
    data: st.DataObject, strange: bool, whole: bool, indent: int | None
) -> None:
    """Columns, and `other` for what has none: together all of it, told from the plain JSON."""
    chosen = data.draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    types = {name: TYPES[name] for name in chosen}
    fields = {name: values_of(kind, strange=strange) for name, kind in types.items()}
    fields |= {"@odata.type": st.just("#microsoft.graph.user")}
    if strange:
        fields["somethingElse"] = values_of("any", strange=True)
    records = data.draw(st.lists(st.fixed_dictionaries({}, optional=fields), max_size=4))
    frame = Frame(Columns(types, keeps_rest=whole))

    texts = [json.dumps(one, ensure_ascii=indent is None, indent=indent) for one in records]
    table = frame.convert([text.encode() for text in texts])

    assert table.schema.equals(frame.schema)
    for row, record in zip(table.to_pylist(), records, strict=True):
        values, rest = expect(record, types, whole=whole)
        if frame.columns.has_other:
            assert json.loads(row.pop("other") or "{}") == rest
        if not isinstance(record.get("extension_x"), str | None) and "extension_x" in types:
            row["extension_x"] = json.loads(row["extension_x"])
        assert row == values


def test_columns_have_the_types_that_are_published() -> None:
    """Whatever the records hold, and where there is none."""
    frame = make("createdDateTime", "assignedLicenses", "extension_x", path="users")

    assert str(frame.schema.field("createdDateTime").type) == "timestamp[us, tz=UTC]"
    assert str(frame.schema.field("assignedLicenses").type) == (
        "list<item: struct<disabledPlans: list<item: string>, skuId: string>>"
    )
    assert frame.schema.names == ["createdDateTime", "assignedLicenses", "extension_x", "other"]
    for records in ([], [b"{}"], [b'{"assignedLicenses":null}'] * 3):
        table = frame.convert(records)
        assert table.schema.equals(frame.schema)
        assert table.num_rows == len(records)


def test_times_of_all_centuries_have_microseconds() -> None:
    """Graph's first moment and its last, a seventh digit, another zone."""
    told = [
        ("0001-01-01T00:00:00Z", dt.datetime(1, 1, 1, tzinfo=dt.UTC)),
        ("9999-12-31T23:59:59.9999999Z", dt.datetime(9999, 12, 31, 23, 59, 59, 999999, dt.UTC)),
        ("2024-02-29T01:00:00+02:00", dt.datetime(2024, 2, 28, 23, tzinfo=dt.UTC)),
        ("2024-02-29", dt.datetime(2024, 2, 29, tzinfo=dt.UTC)),
    ]
    rows = read(make("createdDateTime"), *({"createdDateTime": text} for text, _ in told))
    alone = [read(make("createdDateTime"), {"createdDateTime": text})[0] for text, _ in told]

    assert [row["createdDateTime"] for row in rows] == [moment for _, moment in told]
    assert alone == rows


def test_a_text_that_looks_like_a_time_keeps_its_digits() -> None:
    """Digits are dropped from times alone, be a text called as it likes."""
    fine = "2024-01-01T00:00:00.1234567Z"
    frame = make("displayName", "createdDateTime", "extension_x")
    text = f'"createdDateTime":"{fine}"'
    row = read(
        frame,
        {"displayName": text, "createdDateTime": fine, "extension_x": {"createdDateTime": fine}},
    )[0]

    assert row["displayName"] == text
    assert row["extension_x"] == f'{{"createdDateTime":"{fine}"}}'
    assert row["createdDateTime"].microsecond == 123456


def test_what_an_object_has_besides_is_kept() -> None:
    """A member that Microsoft adds one day, among others that are known."""
    licence = {"skuId": "s", "disabledPlans": [], "isTrial": True}
    frame = make("assignedLicenses", path="users")
    plain, row = read(
        frame,
        {"assignedLicenses": [{"@odata.type": "x", "skuId": "s"}]},
        {"assignedLicenses": [licence]},
    )

    assert plain["other"] is None
    assert row["assignedLicenses"] == [{"skuId": "s", "disabledPlans": []}]
    assert json.loads(row["other"]) == {"assignedLicenses": [licence]}


def test_the_last_of_several_members_of_a_name_counts() -> None:
    """As in Python; pyarrow's reader would refuse both."""
    rows = read(
        make("displayName", "api"),
        b'{"displayName":"a","displayName":"b"}',
        b'{"api":{"acceptMappedClaims":true,"acceptMappedClaims":false}}',
    )

    assert rows[0]["displayName"] == "b"
    assert rows[1]["api"]["acceptMappedClaims"] is False


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert read(make("displayName"), b'{"displayName":"a\xff"}') == [{"displayName": "a\ufffd"}]


def test_a_whole_number_may_be_written_as_any() -> None:
    rows = read(make("deviceVersion"), b'{"deviceVersion":7.0}', b'{"deviceVersion":1e2}')
    assert [row["deviceVersion"] for row in rows] == [7, 100]


def test_a_record_may_be_longer_than_any_block() -> None:
    name = "x" * (5 << 20)
    assert read(make("displayName"), {"displayName": name}) == [{"displayName": name}]


def test_records_that_are_no_objects_have_columns_too() -> None:
    """As in csv: a value, and the items of a list."""
    assert read(make("value", "column2"), b"7", b'["a",true]', b'"x"') == [
        {"value": "7", "column2": None},
        {"value": None, "column2": "true"},
        {"value": "x", "column2": None},
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accountEnabled", "true"),
        ("accountEnabled", 1),
        ("createdDateTime", "yesterday"),
        ("createdDateTime", "2024-02-30T00:00:00Z"),
        ("createdDateTime", 5),
        ("deviceVersion", "2"),
        ("deviceVersion", 1.5),
        ("deviceVersion", True),
        ("deviceVersion", 2**63),
        ("proxyAddresses", "x"),
        ("assignedLicenses", {"skuId": "s"}),
        ("api", []),
    ],
)
def test_what_contradicts_its_type_is_named(name: str, value: object) -> None:
    """Nothing is turned into null on the way."""
    with pytest.raises(OutputError, match=f"{name} is .* does not fit") as caught:
        read(make(name), {name: value})

    assert "ndjson" in (caught.value.hint or "")


def test_what_contradicts_within_an_object_is_named_by_its_path() -> None:
    with pytest.raises(OutputError, match=r"passwordCredentials\.endDateTime is never"):
        read(make("passwordCredentials"), {"passwordCredentials": [{"endDateTime": "never"}]})


@pytest.mark.parametrize("record", [b"", b"{", b'{"displayName":"\\ud800"}', b'{"displayName":01}'])
def test_what_is_no_json_is_an_error_of_graphs(record: bytes) -> None:
    with pytest.raises(GraphError, match="no record"):
        read(make("displayName"), b"{}", record)


def test_a_way_that_failed_is_not_tried_again_for_what_comes_later() -> None:
    """Fine times and strange members in the first records; the next are as right as they."""
    frame = make("assignedLicenses", "createdDateTime", path="users")
    fine = {"createdDateTime": "2024-01-01T00:00:00.1234567Z", "mail": "not selected"}
    first = read(frame, fine)
    second = read(frame, {"assignedLicenses": [{"isTrial": 1}]}, {"createdDateTime": "0001-01-01"})

    assert first[0]["createdDateTime"].microsecond == 123456
    assert second[0]["other"] == '{"assignedLicenses":[{"isTrial": 1}]}'
    assert second[1]["createdDateTime"] == dt.datetime(1, 1, 1, tzinfo=dt.UTC)


def test_a_property_called_other_keeps_its_place() -> None:
    """The column for what has no place elsewhere gives way to it."""
    columns = Columns({"other": "text", "identities": [{"issuer": "text"}]}, keeps_rest=True)
    record = b'{"other":"mine","identities":[{"issuer":"a","x":1}],"more":2}'

    assert Frame(columns).convert([record]).to_pylist() == [
        {"other": "mine", "identities": [{"issuer": "a"}]}
    ]
