"""Listing an API of one's own: read as it answers, and asked for nothing that nobody named."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.errors import Error
from graphdaemon.graph.own_page import follow_own, own_id_of, read_own_page
from graphdaemon.http.response import Headers, Response
from graphdaemon.listing.own_verdict import OWN_CHECKS
from tests.support.places import DOCS
from tests.support.run_command import Command
from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page

SCOPE = ["api://33333333-2222-4333-8444-555555555555/.default"]
ORDERS: tuple[dict[str, Any], ...] = (
    {"number": 1, "item": "ink", "total": 2.5},
    {"number": 2, "item": "paper", "total": 11},
)


@pytest.fixture
def own(scripted: ScriptedServer, tmp_path: Path) -> Path:
    """The settings of an app that calls an API of its own."""
    return scripted.write_parameters(tmp_path, scope=SCOPE, endpoint=f"{scripted.url}/orders")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.just("id"), inner, max_size=1),
    max_leaves=6,
)
NAMES = ("value", "nextLink", "@odata.nextLink", "@odata.count", "id")
ENVELOPES = VALUES | st.dictionaries(st.sampled_from(NAMES), VALUES)


def counted(records: object, total: int) -> Answer:
    """A plain list, and how many there are in all."""
    answer = json_answer(records)
    return answer._replace(headers={**(answer.headers or {}), "X-Total-Count": str(total)})


def targets(scripted: ScriptedServer) -> list[str]:
    return [request.target for request in scripted.requests]


def last_line(text: str) -> str:
    return text.splitlines()[-1]


@pytest.mark.parametrize("body", [[*ORDERS], {"value": [*ORDERS]}], ids=["list", "value"])
def test_a_plain_answer_is_read_and_nothing_else_is_asked(
    command: Command, scripted: ScriptedServer, own: Path, body: object
) -> None:
    """One request, without an option of OData; columns are those of the records."""
    scripted.script = [json_answer(body)]

    outcome = command("list", "orders", own, "-f", "csv", "--allow-unproved")

    assert outcome.out == b"number,item,total\r\n1,ink,2.5\r\n2,paper,11\r\n"
    assert targets(scripted) == ["/orders"]
    assert "ConsistencyLevel" not in scripted.requests[0].headers
    assert outcome.err == (
        "2 records, unproved: the API sends no count, so nothing shows whether it kept something "
        "back; 2 rows written\n"
    )


@pytest.mark.parametrize(
    "answer",
    [
        json_answer({"@odata.count": 2, "value": [*ORDERS]}),
        counted([*ORDERS], 2),
    ],
    ids=["@odata.count", "X-Total-Count"],
)
def test_a_count_of_the_apis_own_proves_one_answer(
    command: Command, scripted: ScriptedServer, own: Path, answer: Answer
) -> None:
    """It came unasked, and is exactly what was read."""
    scripted.script = [answer]

    outcome = command("list", "orders", own, "-f", "ndjson")

    assert [json.loads(line) for line in outcome.out.splitlines()] == [*ORDERS]
    assert outcome.err == (
        "2 records, complete: one answer holds everything, as the API's own count says\n"
    )
    assert outcome.code == 0


def test_a_count_that_differs_is_the_reason(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """An API that keeps the rest back, and names no next page, is found out."""
    scripted.script = [counted([*ORDERS], 500)]

    outcome = command("list", "orders", own)

    assert outcome.code == 8
    assert "unproved: the API counts 500, and 2 were read" in outcome.err
    assert "the API pages in a way that is not known here" in outcome.err


def linked(style: str, target: str) -> Answer:
    """A first page that names the next one."""
    if style == "Link":
        return json_answer(
            [ORDERS[0]], Link=f'</orders/0>; rel="prev", <{target}>; title=x; rel="next last"'
        )
    return json_answer({"value": [ORDERS[0]], style: target})


@pytest.mark.parametrize("style", ["@odata.nextLink", "nextLink", "Link"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "relative"])
def test_pages_are_followed_however_they_are_named(
    command: Command, scripted: ScriptedServer, own: Path, style: str, whole: bool
) -> None:
    """As OData, Microsoft's REST guidelines and RFC 8288 have it."""
    target = f"{scripted.url if whole else ''}/orders/pages/2"
    scripted.script = [linked(style, target), json_answer([ORDERS[1]])]

    outcome = command("list", "orders", own, "-f", "csv", "--allow-unproved")

    assert outcome.out == b"number,item,total\r\n1,ink,2.5\r\n2,paper,11\r\n"
    assert targets(scripted) == ["/orders", "/orders/pages/2"]
    assert last_line(outcome.err) == (
        "2 records, unproved: the API sends no count, so nothing shows whether it kept something "
        "back; 2 rows written"
    )


def numbered(url: str, *pages: tuple[int, ...], count: int | None = None) -> list[Answer]:
    """Pages of records with these IDs, each but the last with a link, and a count in each."""
    total = count if count is not None else sum(map(len, pages))
    return [
        json_answer(
            {"@odata.count": total, "value": [{"id": one} for one in ids]}
            | ({"nextLink": f"{url}/orders?page={at}"} if at < len(pages) else {})
        )
        for at, ids in enumerate(pages, 1)
    ]


def test_two_readings_that_agree_prove_several_pages(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """Between the two, the list was exactly what was read; a page may end elsewhere."""
    scripted.script = [
        *numbered(scripted.url, (1, 2), (3,)),
        *numbered(scripted.url, (1,), (2, 3)),
    ]

    outcome = command("list", "orders", own, "-f", "ndjson")

    assert [json.loads(line)["id"] for line in outcome.out.splitlines()] == [1, 2, 3]
    assert last_line(outcome.err) == (
        "3 records, complete: two readings found the same, as the API's own count says"
    )
    assert (outcome.code, len(scripted.requests)) == (0, 4)


@pytest.mark.parametrize(
    ("second", "count", "words"),
    [
        # 2 was deleted when page 1 had been read, and 4 was missed: the count cannot tell.
        ([(1, 3), (4,)], None, "two readings differ: it changed meanwhile"),
        ([(1, 3), (2,)], None, "two readings differ"),
        ([(1, 2), (3, 4)], 3, "two readings differ"),
        ([(1, 2), (3,)], 4, "the API counts 4, and 3 were read"),
        ([(1, 2)], None, "the API counts 2, and 3 were read"),
    ],
)
def test_two_readings_that_differ_prove_nothing(
    command: Command,
    scripted: ScriptedServer,
    own: Path,
    second: list[tuple[int, ...]],
    count: int | None,
    words: str,
) -> None:
    """What was read first is written, with the reason."""
    scripted.script = [
        *numbered(scripted.url, (1, 2), (3,)),
        *numbered(scripted.url, *second, count=count),
    ]

    outcome = command("list", "orders", own, "-f", "ndjson", "--allow-unproved")

    assert [json.loads(line)["id"] for line in outcome.out.splitlines()] == [1, 2, 3]
    assert f"unproved: {words}" in outcome.err


def test_a_second_reading_that_fails_takes_nothing_away(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """The records are all there, and the account says what failed."""
    scripted.script = [
        *numbered(scripted.url, (1, 2), (3,)),
        json_answer({"error": {}}, status=403),
    ]
    proof = own.parent / "proof.json"

    outcome = command("list", "orders", own, "-f", "ndjson", "--proof", proof, "--allow-unproved")

    assert (outcome.code, len(outcome.out.splitlines())) == (0, 3)
    assert "unproved: the second reading, which could have proved it, failed" in outcome.err
    (note,) = json.loads(proof.read_text())["notes"]
    assert note.startswith("the second reading failed: ")


@pytest.mark.parametrize(
    ("pages", "count", "words"),
    [
        ([[{"number": 1}], [{"number": 2}]], 2, "without an ID in each"),
        ([[{"id": 1}, {"id": 1}], [{"id": 2}]], 3, "without an ID in each"),
        ([[{"id": 1}], [{"id": 2}]], 3, "the API counts 3, and 2 were read"),
        ([[{"id": 1}], [{"id": 2}]], None, "the API sends no count"),
    ],
)
def test_nothing_is_read_twice_that_cannot_be_proved(
    command: Command,
    scripted: ScriptedServer,
    own: Path,
    pages: list[list[dict[str, int]]],
    count: int | None,
    words: str,
) -> None:
    """Records that cannot be told apart (one may have come twice), and those that are not all."""
    counts = {} if count is None else {"@odata.count": count}
    scripted.script = [
        json_answer({"value": pages[0], "nextLink": f"{scripted.url}/orders?2"} | counts),
        json_answer({"value": pages[1]} | counts),
    ]

    outcome = command("list", "orders", own, "-f", "ndjson", "--allow-unproved")

    assert f"unproved: {words}" in outcome.err
    assert len(scripted.requests) == 2


def test_a_record_that_an_earlier_page_brought_is_left_out(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """With the same ID, a text or a number, and the same content; another content is kept."""
    first, second = {"id": 1, "item": "ink"}, {"id": "a", "item": "pen"}
    scripted.script = [
        page(first, second, next_link=f"{scripted.url}/orders?skip=2"),
        page(second, {"id": 1, "item": "red ink"}, first),
    ]
    proof = own.parent / "proof.json"

    outcome = command("list", "orders", own, "-f", "ndjson", "--proof", proof, "--allow-unproved")

    records = [json.loads(line) for line in outcome.out.splitlines()]
    assert records == [first, second, {"id": 1, "item": "red ink"}]
    account = json.loads(proof.read_text())
    assert (account["records"], account["duplicates"], account["pages"]) == (3, 2, 2)
    assert account["notes"] == ["1 came again with another content: kept"]
    assert (account["missing"], account["requests"], account["retries"]) == ("counted", 2, 0)


def test_one_answer_may_say_a_thing_twice(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """An API knows what it says: nothing is dropped of what one answer holds."""
    scripted.script = [counted([{"id": 1}, {"id": 1}], 2)]

    assert command("list", "orders", own, "-f", "ndjson").out == b'{"id": 1}\n{"id": 1}\n'


def test_what_is_asked_for_is_sent_as_it_was_given(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """Without an ID that was not selected; the limit is kept here."""
    scripted.script = [json_answer([*ORDERS])]
    words = ("--select", "item", "--filter", "total gt 1", "--limit", "1")

    outcome = command("list", "orders?status=open", own, *words, "-f", "csv")

    assert outcome.out == b"item\r\nink\r\n"
    assert targets(scripted) == ["/orders?status=open&$select=item&$filter=total%20gt%201"]
    assert (outcome.code, last_line(outcome.err)) == (
        0,
        "1 record, incomplete: it was stopped at its limit",
    )


def test_properties_of_later_pages_are_missed_aloud(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """The columns are those of the first page; what has none is named."""
    scripted.script = [
        json_answer({"value": [{"id": 1, "@odata.etag": "x"}], "nextLink": "/orders/2"}),
        json_answer([{"id": 2, "colour": "red", "size": 3}]),
    ]

    outcome = command("list", "orders", own, "-f", "csv", "--allow-unproved")

    assert outcome.out == b"id\r\n1\r\n2\r\n"
    assert "The first page has no such properties, so they have no column: colour, size" in (
        outcome.err
    )


@pytest.mark.parametrize(
    ("records", "shown"),
    [
        ([], b""),
        ([1, "two", None], b'value\r\n1\r\ntwo\r\n""\r\n'),
        ([[1, 2], [3]], b"column1,column2\r\n1,2\r\n3,\r\n"),
    ],
    ids=["none", "plain values", "lists"],
)
def test_records_may_be_anything(
    command: Command, scripted: ScriptedServer, own: Path, records: object, shown: bytes
) -> None:
    """They are the API's: nothing of them is made up."""
    scripted.script = [json_answer(records)]

    outcome = command("list", "orders", own, "-f", "csv", "--allow-unproved")

    assert (outcome.out, outcome.code) == (shown, 0)


@pytest.mark.parametrize("body", [b'{"id":1}', b'{"value":{"a":[]}}', b"7", b'"text"', b"null"])
def test_what_is_no_collection_is_said_at_once(
    command: Command, scripted: ScriptedServer, own: Path, body: bytes
) -> None:
    """Asking again would not make it one."""
    scripted.script = [Answer(200, body, {"Content-Type": "application/json"})]

    outcome = command("list", "orders", own)

    assert outcome.code == 2
    assert "/orders is not a collection" in outcome.err
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("words", [("list", "orders"), ("request", "GET", "orders", "--all")])
def test_a_page_for_people_is_said_at_once(
    command: Command, scripted: ScriptedServer, own: Path, words: tuple[str, ...]
) -> None:
    """An app of one page answers so to every path that it does not know."""
    scripted.script = [Answer(200, b"<!doctype html>", {"Content-Type": "text/html; charset=x"})]

    outcome = command(words[0], *words[1:], own)

    assert outcome.code == 2
    assert "/orders: the answer is not JSON but text/html" in outcome.err
    assert len(scripted.requests) == 1


def test_an_answer_that_was_damaged_is_asked_for_again(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """It says that it is JSON, and breaks off."""
    cut = Answer(200, b'[{"id":', {"Content-Type": "application/json"})
    scripted.script = [cut, counted([*ORDERS], 2)]

    assert command("list", "orders", own).code == 0
    assert len(scripted.requests) == 2


def test_a_next_link_without_tls_is_not_followed(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """As an API writes it that does not know of the proxy before it; the hint says so."""
    link = scripted.url.replace("https:", "http:") + "/orders?page=2"
    scripted.script = [page(*ORDERS, next_link=link)]

    outcome = command("list", "orders", own)

    assert outcome.code == 5
    assert "X-Forwarded-Proto" in outcome.err
    assert "page=2" not in outcome.err


@pytest.mark.parametrize("link", ["https://elsewhere.example/orders", "//elsewhere.example/x"])
def test_the_token_does_not_leave_the_api(
    command: Command, scripted: ScriptedServer, own: Path, link: str
) -> None:
    """A link to another host ends the listing."""
    scripted.script = [page(*ORDERS, next_link=link)]

    outcome = command("list", "orders", own)

    assert (outcome.code, len(scripted.requests)) == (5, 1)
    assert "elsewhere.example" in outcome.err


@pytest.mark.parametrize("link", ["https://[::1", "//[", "/orders?a b", "/orders\n", "/orders"])
def test_a_link_that_is_no_address_ends_the_listing(
    command: Command, scripted: ScriptedServer, own: Path, link: str
) -> None:
    """With an error of ours, whatever it is."""
    scripted.script = [json_answer({"value": [1], "nextLink": link})]

    outcome = command("list", "orders", own, "--attempts", "1")

    assert (outcome.code, len(scripted.requests)) == (5, 1)
    assert "next link" in outcome.err


@given(
    body=st.binary(max_size=200) | ENVELOPES.map(json.dumps).map(str.encode),
    header=st.text(max_size=100),
    total=st.text(max_size=30),
)
def test_any_answer_is_a_page_or_an_error_of_ours(body: bytes, header: str, total: str) -> None:
    """Whatever an API, or somebody in between, sends."""
    sent = [("Link", header), ("X-Total-Count", total), ("Content-Type", "application/json")]
    with contextlib.suppress(Error):
        page_read = read_own_page(Response(200, Headers(sent), body), "https://my.api/orders")
        for record in page_read.records:
            own_id_of(record)
        if page_read.next_link is not None:
            follow_own(page_read.next_link, "https://my.api/orders")


def test_pages_in_a_circle_end(command: Command, scripted: ScriptedServer, own: Path) -> None:
    """Also where each has records that are new."""
    ring = {"/orders": "/orders?p=1", "/orders?p=1": "/orders?p=2", "/orders?p=2": "/orders?p=1"}

    def answer(request: Request) -> Answer:
        return page({"at": len(scripted.requests)}, next_link=scripted.url + ring[request.target])

    scripted.script = answer

    outcome = command("list", "orders", own)

    assert outcome.code == 5
    assert "leads back to a page that was read" in outcome.err
    assert len(scripted.requests) == 3


def test_empty_pages_without_end_end(command: Command, scripted: ScriptedServer, own: Path) -> None:
    """A hundred in a row lead nowhere."""

    def answer(request: Request) -> Answer:
        return page(next_link=f"{scripted.url}/orders?p={len(scripted.requests)}")

    scripted.script = answer

    outcome = command("list", "orders", own)

    assert "goes on after 101 empty pages" in outcome.err


@pytest.mark.parametrize(
    "words", [("--with", "lines"), ("--resume", "journal"), ("--method", "ranges")]
)
def test_what_takes_graph_is_refused(
    command: Command, scripted: ScriptedServer, own: Path, words: tuple[str, str]
) -> None:
    """Before anything is asked."""
    outcome = command("list", "orders", own, *words)

    assert outcome.code == 2
    assert f"{words[0]} works with Microsoft Graph only" in outcome.err
    assert scripted.requests == []


@pytest.mark.parametrize("name", ["users", "user", "members", "v2/orders"])
def test_no_name_means_anything_of_graphs(
    command: Command, scripted: ScriptedServer, own: Path, name: str
) -> None:
    """Neither columns nor a delta, no members of a group, and no other version."""
    scripted.script = [json_answer([*ORDERS])]

    outcome = command("list", name, own, "-f", "csv", "--allow-unproved")

    assert outcome.out.startswith(b"number,item,total\r\n")
    assert targets(scripted) == [f"/{name}"]


def test_the_order_and_the_file_are_those_of_any_listing(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """Records without IDs are sorted, held and put into files like others."""
    scripted.script = [counted([*ORDERS], 2)]
    file = own.parent / "orders.csv"

    outcome = command("list", "orders", own, "--sort", "item", "--hold", "-o", file)

    assert (outcome.code, outcome.out) == (0, b"")
    assert file.read_text().splitlines() == ["number,item,total", "1,ink,2.5", "2,paper,11"]


def test_trouble_that_passes_is_survived(
    command: Command, scripted: ScriptedServer, own: Path
) -> None:
    """An API that is busy is asked again, as Graph is."""
    scripted.script = [
        Answer(503, b"", {"Retry-After": "0"}),
        counted([*ORDERS], 2),
    ]
    proof = own.parent / "proof.json"

    assert command("list", "orders", own, "--proof", proof).code == 0
    assert json.loads(proof.read_text())["retries"] == 1


def test_a_refusal_has_an_account(command: Command, scripted: ScriptedServer, own: Path) -> None:
    """What was read so far is not everything, and is not called so."""
    scripted.script = [
        page(*ORDERS, next_link=f"{scripted.url}/orders?page=2"),
        json_answer({"detail": "out of paper"}, 400),
    ]
    proof = own.parent / "proof.json"

    outcome = command("list", "orders", own, "--proof", proof)

    assert outcome.code == 5
    account = json.loads(proof.read_text())
    assert (account["verdict"], account["why"]) == ("incomplete", "it failed (request_refused)")


def test_the_explanation_has_every_check() -> None:
    """In the words of the code, in its order."""
    page = (DOCS / "explanation" / "complete.md").read_text()

    rows = [f"| `{one.name}` | {one.requires} | {one.next_step} |" for one in OWN_CHECKS]
    assert "\n".join(rows) in page
