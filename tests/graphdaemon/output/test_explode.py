"""A row for each element of a list."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.errors import UsageError
from graphdaemon.output.explode import Explosion, explode, find_row_types
from tests.support.output_records import records, texts, values

APPS: list[dict[str, Any]] = [
    {
        "id": "1",
        "displayName": "Payroll",
        "passwordCredentials": [{"keyId": "a", "hint": "x"}, {"keyId": "b", "hint": None}],
        "requiredResourceAccess": [
            {"resourceAppId": "graph", "resourceAccess": [{"id": "r1"}, {"id": "r2"}]},
            {"resourceAppId": "own", "resourceAccess": []},
        ],
        "api": {"knownClientApplications": ["c1", "c2"], "requestedAccessTokenVersion": 2},
    },
    {"id": "2", "displayName": "Idle", "passwordCredentials": [], "requiredResourceAccess": []},
]
LISTS = st.none() | st.lists(values, max_size=3)


def rows_of(path: str, *apps: dict[str, Any], keep_empty: bool = False) -> list[Any]:
    """The rows of the form that the command uses, as Python's values."""
    rows = Explosion(path, keep_empty=keep_empty).apply(records(*apps))
    return [json.loads(bytes(row)) for row in rows]


def flat(path: str, *apps: dict[str, Any], keep_empty: bool = False) -> list[Any]:
    explosion = Explosion(path, keep_empty=keep_empty)
    rows = explosion.flatten(explosion.apply(records(*apps)))
    return [json.loads(bytes(row)) for row in rows]


def test_each_secret_is_a_row_with_its_application() -> None:
    rows = list(explode(APPS, "passwordCredentials"))

    assert [row["element"]["keyId"] for row in rows] == ["a", "b"]
    assert all(row["parent"]["displayName"] == "Payroll" for row in rows)
    assert all("passwordCredentials" not in row["parent"] for row in rows)
    assert rows == rows_of("passwordCredentials", *APPS)


def test_a_list_on_the_way_leaves_the_one_element_that_the_row_comes_from() -> None:
    rows = flat("requiredResourceAccess.resourceAccess", APPS[0])

    assert [
        (row["parent.requiredResourceAccess.resourceAppId"], row["element.id"]) for row in rows
    ] == [("graph", "r1"), ("graph", "r2")]


def test_scalars_and_lists_below_objects_are_elements() -> None:
    rows = flat("api.knownClientApplications", APPS[0])

    assert [row["element"] for row in rows] == ["c1", "c2"]
    assert rows[0]["parent.api.requestedAccessTokenVersion"] == 2


def test_an_empty_list_has_a_row_on_request() -> None:
    kept = list(explode(APPS, "requiredResourceAccess.resourceAccess", keep_empty=True))

    assert [(row["parent"]["id"], row["element"]) for row in kept] == [
        ("1", {"id": "r1"}),
        ("1", {"id": "r2"}),
        ("1", None),
        ("2", None),
    ]
    assert kept[2]["parent"]["requiredResourceAccess"] == {"resourceAppId": "own"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("displayName", "Payroll"),
        ("displayName.deeper", "Payroll"),
        ("api", "knownClientApplications"),
        ("passwordCredentials.keyId", "a"),
        ("passwordCredentials..keyId", "part without a name"),
    ],
)
def test_what_is_no_list_is_refused_in_both_forms(path: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        list(explode(APPS, path))
    with pytest.raises(UsageError, match=text):
        rows_of(path, *APPS)


def test_what_is_no_object_has_no_rows_to_give() -> None:
    with pytest.raises(UsageError, match="does not lead to a list"):
        Explosion("a").apply(records(["x"]))


def test_numbers_that_no_float_holds_stay_as_they_are() -> None:
    """Whatever the service sent is in the row, byte for byte."""
    rows = Explosion("a").apply([msgspec.Raw(b'{"n":1e400,"a":[0.10,{"x":1e999}]}')])

    assert list(map(bytes, rows)) == [
        b'{"parent":{"n":1e400},"element":0.10}',
        b'{"parent":{"n":1e400},"element":{"x":1e999}}',
    ]


@given(
    st.lists(st.dictionaries(texts, values, max_size=3), max_size=4),
    st.lists(LISTS, min_size=4, max_size=4),
    st.booleans(),
)
def test_rows_are_those_of_a_plain_evaluation(
    others: list[dict[str, Any]], lists: list[list[Any] | None], keep: bool
) -> None:
    """One loop within another, over whatever the records are."""
    given_ = [{**other, "list": items} for other, items in zip(others, lists, strict=False)]
    plain = [
        {"parent": {key: value for key, value in record.items() if key != "list"}, "element": item}
        for record in given_
        for item in (record["list"] or ([None] if keep else []))
    ]

    assert list(explode(given_, "list", keep_empty=keep)) == plain
    assert rows_of("list", *given_, keep_empty=keep) == plain


@given(
    st.lists(
        st.lists(
            st.fixed_dictionaries(
                {"name": texts}, optional={"inner": st.none() | st.lists(values, max_size=2)}
            ),
            max_size=3,
        ),
        max_size=3,
    )
)
def test_a_path_of_two_names_is_one_list_within_another(outer: list[list[dict[str, Any]]]) -> None:
    given_: list[dict[str, Any]] = [
        {"id": str(number), "outer": items} for number, items in enumerate(outer)
    ]
    plain = [
        {"parent": {"id": record["id"], "outer": {"name": item["name"]}}, "element": element}
        for record in given_
        for item in record["outer"]
        for element in item.get("inner") or []
    ]

    assert list(explode(given_, "outer.inner")) == plain
    assert rows_of("outer.inner", *given_) == plain


def test_columns_of_rows_have_the_published_types() -> None:
    """An element has the type of one, lists around have that of lists, and the rest may be any."""
    types = find_row_types(
        "users", "proxyAddresses", ("parent.businessPhones", "parent.x_y", "element")
    )
    assert types == {"parent.businessPhones": ["text"], "parent.x_y": "any", "element": "text"}

    path, columns = "requiredResourceAccess.resourceAccess", ("element.type", "element.x")
    around = "parent.requiredResourceAccess.resourceAppId"
    assert find_row_types("applications", path, (around, *columns)) == {
        around: "text",
        "element.type": "text",
        "element.x": "any",
    }
