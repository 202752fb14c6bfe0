"""What a listing is made of: names in a list or a text, and whether a proof is asked for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from graphdaemon.client.client import Client
from graphdaemon.client.open_listing import open_listing, read_names
from graphdaemon.errors import UnprovedError, UsageError
from graphdaemon.graph.query import Query
from graphdaemon.listing.options import ListingOptions
from tests.graphdaemon.client.test_client import make_client
from tests.support.scripted_server import Answer, ScriptedServer, page


@pytest.mark.parametrize(
    ("names", "read"),
    [
        ("displayName, mail,mail", ("displayName", "mail")),
        (["displayName", "mail"], ("displayName", "mail")),
        (("displayName,mail", " id "), ("displayName", "mail", "id")),
        ("", ()),
        ((), ()),
    ],
)
def test_a_text_is_read_as_the_command_reads_it(names: Any, read: tuple[str, ...]) -> None:
    assert read_names(names) == read


@pytest.mark.parametrize("names", [5, b"displayName", [1], None, {"a": 1}.items()])
def test_what_is_no_list_of_names_is_refused(names: Any) -> None:
    with pytest.raises(UsageError, match="is not a list of names"):
        read_names(names)


@pytest.mark.parametrize(
    ("collection", "query", "options", "proved", "is_proved"),
    [
        ("users", Query(), None, None, True),
        ("users", Query(search="x"), None, None, False),
        ("users", Query(search="x"), None, True, True),
        ("users", Query(), None, False, False),
        ("users", Query(search="x"), ListingOptions(), None, True),
        ("users", Query(), ListingOptions(proved=False), True, True),
    ],
)
def test_a_proof_is_asked_for_where_there_may_be_one(
    scripted: ScriptedServer,
    collection: str,
    query: Query,
    options: ListingOptions | None,
    proved: bool | None,
    is_proved: bool,
) -> None:
    """The keyword says it, or the options; else whether Graph can prove it."""
    client = make_client(scripted)
    opened = open_listing(client.settings, client.graph, collection, query, options, proved=proved)
    client.close()

    assert opened.options.proved is is_proved


def test_expanded_names_may_be_one_text(scripted: ScriptedServer) -> None:
    """Not letter by letter, as a text in place of a tuple would be."""
    client = make_client(scripted)
    options = ListingOptions(expand="manager,memberOf")  # type: ignore[arg-type]  # as people do
    query = Query("displayName,mail")  # type: ignore[arg-type]  # as people do
    opened = open_listing(client.settings, client.graph, "users", query, options, proved=None)
    client.close()

    assert opened.options.expand == ("manager", "memberOf")
    assert opened.query.select == ("displayName", "mail")


def test_members_on_several_pages_are_listed_where_no_proof_is_asked_for(
    scripted: ScriptedServer,
) -> None:
    """The error of the others says how, and what it says works."""
    path = "/v1.0/groups/1/members"
    answers = {
        f"{path}?$top=999": page({"id": "1"}, next_link=f"{scripted.url}{path}?$skiptoken=2"),
        f"{path}?$skiptoken=2": page({"id": "2"}),
    }
    scripted.script = lambda request: answers.get(request.target, Answer(400))

    async def read(client: Client, **options: Any) -> list[str]:
        return [one["id"] async for one in client.list("groups/1/members", **options)]

    async def work() -> list[str]:
        async with make_client(scripted) as client:
            with pytest.raises(UnprovedError) as caught:
                await read(client, options=ListingOptions(confirm=False))
            assert "proved=False" in (caught.value.hint or "")
            assert "again" not in (caught.value.hint or "")
            return await read(client, proved=False)

    assert asyncio.run(work()) == ["1", "2"]


@pytest.mark.parametrize("collection", ["", "/", None, 5, "https://graph.microsoft.com/v1.0/users"])
def test_what_is_no_path_of_a_collection_is_refused(
    scripted: ScriptedServer, collection: Any
) -> None:
    """Before anything is sent; Graph would be asked for something else."""
    with make_client(scripted) as client, pytest.raises(UsageError, match="the path of"):
        list(client.list(collection))

    assert scripted.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", -1), ("limit", "3"), ("chains", 0), ("page_size", 0), ("seconds", -1)],
)
def test_a_number_that_leads_nowhere_is_refused(
    scripted: ScriptedServer, name: str, value: Any
) -> None:
    """With its name: no chain would read nothing, and Graph would refuse a negative limit."""
    given: Any = (
        {"limit": value} if name == "limit" else {"options": ListingOptions(**{name: value})}
    )
    with make_client(scripted) as client, pytest.raises(UsageError, match=f"^{name}="):
        list(client.list("users", **given))

    assert scripted.requests == []
