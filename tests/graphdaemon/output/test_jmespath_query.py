"""--query: JMESPath page by page is JMESPath over the whole."""

from __future__ import annotations

import json
from typing import Any

import jmespath
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.errors import UsageError
from graphdaemon.output.jmespath_query import Projection
from graphdaemon.output.spec import OutputSpec
from tests.support.output_records import records, written

USERS: list[dict[str, Any]] = [
    {"id": "1", "displayName": "Ana", "mail": None, "tags": ["a", "b"], "on": True},
    {"id": "2", "displayName": "Bo", "mail": "bo@contoso.example", "tags": [], "on": False},
    {"id": "3", "displayName": "Ci", "mail": "ci@contoso.example", "tags": ["c"], "on": True},
]
PAGE_BY_PAGE = [
    "@",
    "[]",
    "[*]",
    "[].displayName",
    "[*].mail",
    "[?on]",
    "[?mail].{name: displayName, mail: mail}",
    "[].[id, displayName]",
    "[].tags[]",
    "[].tags | []",
    "[?on] | [?mail].id",
    "[?on][].id",
    "[].{n: length(displayName), first: tags[0]}",
    "[?contains(tags, 'a')].join('-', [id, displayName])",
]


@pytest.mark.parametrize("expression", PAGE_BY_PAGE)
@given(st.data())
def test_page_by_page_is_the_same_as_all_at_once(expression: str, data: st.DataObject) -> None:
    """However the records are cut into pages, the results in a row are those of the whole list."""
    users = data.draw(st.lists(st.sampled_from(USERS), max_size=6))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(users)), max_size=3)))
    projection = Projection(expression)

    results = []
    for start, end in zip([0, *cuts], [*cuts, len(users)], strict=True):
        results += [
            json.loads(bytes(result)) for result in projection.apply(records(*users[start:end]))
        ]

    assert results == jmespath.search(expression, users)


@pytest.mark.parametrize(
    "expression",
    ["length(@)", "[0]", "[:2]", "sort_by(@, &id)", "[].id | [0]", "displayName", "{name: id}"],
)
def test_what_needs_the_whole_list_is_refused(expression: str) -> None:
    """Never a wrong answer for each page: the next step is named instead."""
    with pytest.raises(UsageError, match="needs the whole list at once") as caught:
        Projection(expression)

    assert caught.value.code == "query_invalid"
    assert "graphdaemon count" in (caught.value.hint or "")


def test_what_is_no_jmespath_is_refused() -> None:
    """With the expression, before anything is sent."""
    with pytest.raises(UsageError, match=r"'\[\]\.\{' is not JMESPath"):
        Projection("[].{")


def test_an_expression_that_does_not_fit_a_record_says_so() -> None:
    """A function of null is the commonest mistake."""
    with pytest.raises(UsageError, match="does not fit a record") as caught:
        Projection("[?starts_with(mail, 'a')]").apply(records(*USERS))

    assert "Guard against null" in (caught.value.hint or "")


def test_odd_records_do_no_harm() -> None:
    """A number beyond a float, bytes that are no UTF-8: the rest can still be had."""
    odd = msgspec.Raw(b'{"id": "1", "n": 1e400, "x": "\xff"}')

    assert [bytes(one) for one in Projection("[].id").apply([odd])] == [b'"1"']


def test_a_number_of_more_digits_than_python_reads_does_no_harm() -> None:
    """As one beyond a float."""
    odd = msgspec.Raw(b'{"id": "1", "n": ' + b"9" * 5_000 + b"}")

    assert [bytes(one) for one in Projection("[].id").apply([odd])] == [b'"1"']


def test_one_object_may_be_asked_anything() -> None:
    """`get` has no pages."""
    spec = OutputSpec("json", query="length(tags)", single=True)

    assert written(spec, USERS[0]) == b"2\n"


@pytest.mark.parametrize(
    ("expression", "head", "line"),
    [
        ("[?on]", "displayName,id", "Ana,1"),
        ("[].{name: displayName, n: length(tags)}", "name,n", "Ana,2"),
        ("[].[id, tags]", "column1,column2", '1,"[""a"",""b""]"'),
        ("[].displayName", "value", "Ana"),
        ("[].tags[]", "value", "a"),
        ("[?on].{a: id} | [?a]", "a", "1"),
    ],
)
def test_the_columns_of_a_query_are_its_own(expression: str, head: str, line: str) -> None:
    """The names of {…}, numbers for […], `value` for anything single, else the records' own."""
    spec = OutputSpec("csv", ("displayName", "id"), query=expression)

    assert written(spec, USERS[0]).decode().splitlines()[:2] == [head, line]


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("[]", {""}),
        ("[?on]", {"on", ""}),
        ("[?!on].[id]", {"on", "id"}),
        ("[].{name: displayName, all: @}", {"displayName", ""}),
        ("[?a.b=='x'].c[].d", {"a.b", "c.d"}),
        ("[].tags[0].x", {"tags.x"}),
        ("[].tags[?k=='v'].w", {"tags.k", "tags.w"}),
        ("[].x.*.y", {"x"}),
        ("[].*", {""}),
        ("[].{n: a} | [?n].n", {"a"}),
        ("[].a | [?b]", {"a.b", "a"}),
        ("[?not_null(a, b)].max_by(l, &q).z", {"a", "b", "l", "l.q"}),
        ("[].map(&x.y, l)", {"l", "l.x.y"}),
        ("[?a || b && c].[`1`]", {"a", "b", "c"}),
        ("[?contains(tags, 'a')].join('-', [id, displayName])", {"tags", "id", "displayName"}),
    ],
)
def test_what_an_expression_takes_of_a_record_is_known(expression: str, paths: set[str]) -> None:
    """Each by its path; the record as a whole by none."""
    assert {".".join(path) for path in Projection(expression).paths} == paths


FIELDS = st.sampled_from(["id", "displayName", "mail", "tags", "on"])
EXPRESSIONS = st.one_of(
    st.tuples(FIELDS, FIELDS).map(lambda names: "[?{}].{{a: {}}}".format(*names)),
    st.tuples(FIELDS, FIELDS, FIELDS).map(lambda names: "[?{} || !{}].[{}]".format(*names)),
    FIELDS.map(lambda name: f"[].not_null({name}, `0`)"),
    FIELDS.map(lambda name: f"[].{{a: {name}[0], b: {name}[?@=='a']}} | [?a]"),
)


@given(EXPRESSIONS, st.lists(st.sampled_from(USERS), max_size=4))
def test_what_an_expression_does_not_take_makes_no_difference(
    expression: str, users: list[dict[str, Any]]
) -> None:
    """So nothing else need be read."""
    taken = {path[0] for path in Projection(expression).paths}
    narrowed = [{name: user[name] for name in taken} for user in users]

    assert jmespath.search(expression, narrowed) == jmespath.search(expression, users)
