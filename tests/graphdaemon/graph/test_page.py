"""What the body of an answer holds: a page, an object or a number."""

from collections.abc import Callable

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.links import follow
from graphdaemon.graph.page import (
    Page,
    ids_of,
    page_ids,
    read_number,
    read_object,
    read_page,
    read_record,
    texts_of,
)
from tests.support.graph_answers import answer, raw
from tests.support.pretend_graph import ROOT

URL = "https://graph.microsoft.com/v1.0/users?$skiptoken=SECRET-PLACE"


def test_records_are_the_bytes_graph_sent() -> None:
    """Spelling, order and unknown members of a record survive untouched."""
    body = b'{"@odata.context":"x","@odata.count":7,"value":[{"b": 1.0,"a":null},{"c":"\\u00e9"}]}'

    page = read_page(answer(body), URL)

    assert [bytes(record) for record in page.records] == [
        b'{"b": 1.0,"a":null}',
        b'{"c":"\\u00e9"}',
    ]
    assert page.next_link is None
    assert page.total == 7


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in</html>",
        b'{"value":[{"id":"1"}',
        b"[]",
        b'{"value":null}',
        b'{"id":"1"}',
        b'{"value":[{"id":"1","displayName":"\xff"}]}',
    ],
    ids=["empty", "html", "cut", "list", "null", "object", "no UTF-8"],
)
def test_what_is_no_page_is_refused(body: bytes) -> None:
    """A page that is not one raises: it is never taken for the last."""
    with pytest.raises(GraphError, match=r"/v1\.0/users") as caught:
        read_page(answer(body, Content_Type="text/html; charset=utf-8"), URL)

    assert caught.value.code == "page_malformed"
    assert "SECRET-PLACE" not in str(caught.value)


def test_what_is_no_object_is_refused() -> None:
    """get() wants one JSON object."""
    assert read_object(answer({"id": "1"}), URL) == {"id": "1"}
    with pytest.raises(GraphError):
        read_object(answer([]), URL)


def test_ids_are_read_with_the_page_and_without() -> None:
    """Both ways say the same."""
    body = b'{"value":[{"id":"1","x":{"id":"no"}},{"id":"A"},{"id":"a"}]}'
    page = read_page(answer(body), ROOT)

    assert page_ids(page) == ["1", "A", "a"]
    assert ids_of(page.records) == ["1", "A", "a"]


@pytest.mark.parametrize(
    "record", ["1", "null", "[]", "{}", '{"id":""}', '{"id":null}', '{"id":7}', '{"id":{}}']
)
@pytest.mark.parametrize("read", [page_ids, lambda page: ids_of(page.records)])
def test_what_has_no_id_of_its_own_is_no_record(
    record: str, read: Callable[[Page], list[str]]
) -> None:
    """Nobody could tell a second one from a repetition of the first: the page is refused."""
    page = read_page(answer(b'{"value":[{"id":"1"},%b]}' % record.encode()), ROOT)

    with pytest.raises(GraphError) as caught:
        read(page)

    assert caught.value.code == "page_malformed"


def test_texts_are_read_where_there_are_any() -> None:
    """Null, absent and of another type is no text."""
    assert texts_of([raw({"k": "a"}), raw({"k": None}), raw({}), raw({"k": 1})], "k") == ["a"]


@pytest.mark.parametrize(("body", "number"), [(b"250", 250), (b"\xef\xbb\xbf7", 7)])
def test_a_count_is_a_number(body: bytes, number: int) -> None:
    """With and without a byte order mark."""
    assert read_number(answer(body), ROOT) == number


@pytest.mark.parametrize(
    "body", ["<html>", "", "-1", "1_000", "12.5", "٣٠٠", "null", "9" * 16, "\udc80"]
)
def test_a_count_that_is_no_number_of_objects_is_refused(body: str) -> None:
    """A sign-in page, less than none, and whatever else Python would read as a number."""
    with pytest.raises(GraphError):
        read_number(answer(body.encode("utf-8", "surrogateescape")), ROOT)


def test_a_page_is_a_page() -> None:
    """Links of deltas and lists are told apart."""
    text = b'{"value":[],"@odata.deltaLink":"https://x/d"}'
    page = read_page(answer(text), ROOT)

    assert [*page.records] == []
    assert page._replace(records=[]) == Page([], None, None, "https://x/d", text, size=len(text))
    assert follow("https://x/d", "https://x/e") == "https://x/d"


def test_what_is_malformed_is_described() -> None:
    """Its type, its size, and the ID by which support finds it."""
    for headers, kind in (({"Content_Type": "text/html; charset=utf-8"}, "text/html"), ({}, "no")):
        with pytest.raises(GraphError, match=rf"\({kind}.*, 6 bytes\)") as caught:
            read_page(answer(b"<html>", 203, request_id="r-1", **headers), URL)

        assert (caught.value.status, caught.value.request_id) == (203, "r-1")


@pytest.mark.parametrize("total", ["-1", "1" * 20, "9" * 5_000, "1e999", "1.5", "true", '"7"'])
def test_a_page_with_a_count_that_is_none_is_refused(total: str) -> None:
    """It would be compared with what was found."""
    body = f'{{"value":[],"@odata.count":{total}}}'.encode()

    with pytest.raises(GraphError, match="not the JSON it should be"):
        read_page(answer(body), URL)


DEEP = b'{"value":[{"id":"1","a":' + b"[" * 1_000 + b"]" * 1_000 + b"}]}"


@pytest.mark.parametrize("body", [DEEP, b"[" * 1_000_000, DEEP.replace(b"[" * 1_000, b"[" * 99)])
def test_what_is_nested_too_deeply_is_refused(body: bytes) -> None:
    """Before any decoder calls itself too often, wherever in the answer it is."""
    for read in (read_page, read_object):
        with pytest.raises(GraphError, match="not the JSON it should be") as caught:
            read(answer(body), URL)
        assert caught.value.code == "page_malformed"


@pytest.mark.parametrize("number", ["1e999", "9" * 5_000])
def test_a_record_with_a_number_that_python_cannot_hold_is_refused(number: str) -> None:
    """As bytes it is passed on as it came; as a dict it cannot be."""
    page = read_page(answer(f'{{"value":[{{"id":"1","n":{number}}}]}}'.encode()), URL)

    assert ids_of(page.records) == ["1"]
    with pytest.raises(GraphError, match="no record"):
        read_record(page.records[0])


@pytest.mark.parametrize("value", ["1e999", "9" * 5_000, "null", "{}", "true"])
def test_texts_are_read_beside_values_that_are_none(value: str) -> None:
    """Numbers that Python cannot hold among them."""
    page = read_page(answer(f'{{"value":[{{"a":{value}}},{{"a":"x"}},{{}}]}}'.encode()), URL)

    assert texts_of(page.records, "a") == ["x"]


def test_no_text_is_read_from_what_is_no_record() -> None:
    """As no ID is."""
    with pytest.raises(GraphError, match="no record"):
        texts_of([raw(1)], "a")


def test_a_page_for_people_is_quoted_and_json_is_not() -> None:
    """A proxy says who it is; records hold names."""
    with pytest.raises(GraphError, match=r"\(text/html, 16 bytes\): <html>Blocked\.$"):
        read_page(answer(b"<html>Blocked.\r\n", content_type="text/html; x"), URL)
    with pytest.raises(GraphError, match=r"bytes\)$"):
        read_page(answer(b'{"value":[{"displayName":"Ana"}'), URL)


def test_names_that_are_not_ascii_are_read() -> None:
    """Whole pages of them."""
    body = '{"value":[{"id":"1","displayName":"Žofie"}]}'.encode()

    assert page_ids(read_page(answer(body), URL)) == ["1"]


def test_a_page_without_its_body_has_ids_too() -> None:
    """As one that was put together from several; and one whose body is another's."""
    records = [raw({"id": "1"}), raw({"id": "2"})]

    assert page_ids(Page(records, None, None)) == ["1", "2"]
    assert page_ids(Page(records, None, None, body=b'{"value":[{"id":"1"}]}')) == ["1", "2"]
    assert page_ids(Page(records[:1], None, None, body=b'{"value":1}')) == ["1"]
