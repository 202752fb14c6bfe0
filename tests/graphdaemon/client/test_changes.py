"""From a listing to its changes and on, through the public library and a real emulator."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import graphdaemon
from entra_emulator.clock import Clock
from entra_emulator.faults.fault import Fault
from entra_emulator.web.context import DeltaSettings
from graphdaemon.client.client import Client
from graphdaemon.errors import GraphError, UnprovedError, UsageError
from graphdaemon.graph.links import DeltaLink
from graphdaemon.graph.query import Query
from graphdaemon.listing.changes import Link
from graphdaemon.listing.options import ListingOptions
from graphdaemon.settings.read import read_settings
from tests.support.delta_scene import DAY, Scene, key_of
from tests.support.scene_client import at_scene
from tests.support.scripted_server import ScriptedServer

SELECT = ("displayName", "jobTitle")
QUICK = ListingOptions(learn=False)


async def list_users(client: Client, **options: Any) -> tuple[dict[str, Any], list[DeltaLink]]:
    links: list[DeltaLink] = []
    users = client.list(
        "users", **{"select": SELECT, "options": QUICK} | options, on_link=links.append
    )
    return {user["id"]: user async for user in users}, links


def test_a_listing_ends_with_the_link_that_its_changes_begin_at(
    stage: Callable[..., Scene],
) -> None:
    """Nothing is lost in between, and nothing told twice."""
    scene = stage()
    users = [scene.add("user", jobTitle="Clerk") for _ in range(5)]

    async def follow_changes(client: Client) -> None:
        listed, (link,) = await list_users(client)
        assert listed.keys() == {key_of(user) for user in users}
        scene.update(users[0], jobTitle=None, city="Berlin")
        scene.update(users[1], city="Bonn")
        scene.delete(users[2])
        scene.delete(users[3], forever=True)
        added = scene.add("user", userPrincipalName="new@contoso.example")

        changes, following = await client.changes("users", link, select=SELECT)

        by_id = {change.id: change for change in changes}
        assert len(changes) == len(by_id) == 4
        name = listed[key_of(users[0])]["displayName"]
        assert by_id[key_of(users[0])].record == {
            "id": key_of(users[0]),
            "displayName": name,
            "jobTitle": None,
        }
        assert by_id[key_of(users[2])] == (key_of(users[2]), None, "changed", {})
        assert by_id[key_of(users[3])] == (key_of(users[3]), None, "deleted", {})
        # Never set, and so left out; the name that the listing was divided by was not asked for.
        assert by_id[key_of(added)].record == {"id": key_of(added), "displayName": "user 6"}
        again, last = await client.changes("users", following, select=SELECT)
        assert again == []
        assert len({link, following, last}) == 3

    at_scene(scene, follow_changes)


def test_every_way_to_list_hands_out_the_link(stage: Callable[..., Scene]) -> None:
    scene = stage()
    scene.add("user")

    async def take(client: Client) -> None:
        links: list[DeltaLink] = []
        await client.collect(
            "users", Query(), write=lambda _: None, on_link=links.append, options=QUICK
        )
        async for _ in client.pages("users", on_link=links.append, options=QUICK):
            assert len(links) == 1, "the link comes last"
        assert len(links) == 2
        scene.add("user", userPrincipalName="new@contoso.example")
        for link in links:
            round_ = await client.changes("users", link)
            assert [one.record and one.record["userPrincipalName"] for one in round_.changes] == [
                "new@contoso.example"
            ]

    at_scene(scene, take)


@pytest.mark.parametrize(
    "options",
    [
        {"filter": "jobTitle eq 'Clerk'"},
        {"limit": 3},
        {"options": ListingOptions(proved=False)},
        {"search": '"displayName:user"', "options": None},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_is_not_proved_or_not_everything_hands_out_none(
    stage: Callable[..., Scene], options: dict[str, Any]
) -> None:
    scene = stage()
    for _ in range(5):
        scene.add("user", jobTitle="Clerk")

    async def take(client: Client) -> list[DeltaLink]:
        users, links = await list_users(client, **options)
        assert users
        return links

    assert at_scene(scene, take) == []


def test_an_unproved_listing_hands_out_no_link_and_shows_none(stage: Callable[..., Scene]) -> None:
    """What changed after it was yielded is not in the output: no link must stand behind it."""
    scene = stage()
    users = [scene.add("user") for _ in range(3)]

    async def take(client: Client) -> tuple[UnprovedError, list[DeltaLink]]:
        links: list[DeltaLink] = []

        async def walk() -> None:
            async for _ in client.list("users", select=SELECT, options=QUICK, on_link=links.append):
                scene.update(users[0], jobTitle="changed meanwhile")

        with pytest.raises(UnprovedError) as caught:
            await walk()
        return caught.value, links

    error, links = at_scene(scene, take)

    assert links == []
    account: Any = error.listing
    assert account.replay.late == 1
    assert b"deltatoken" not in pickle.dumps(error) + account.to_json() + repr(account).encode()


def test_members_come_and_go_from_a_beginning_without_a_link(stage: Callable[..., Scene]) -> None:
    scene = stage(delta=DeltaSettings(links=2))
    users = [scene.add("user") for _ in range(5)]
    group, other = scene.add("group"), scene.add("group")
    for user in users:
        scene.link("members", group, user)

    async def follow_changes(client: Client) -> None:
        begun = await client.changes(
            "groups", None, select=["displayName"], relations=["members", "owners"]
        )
        by_id = {change.id: change for change in begun.changes}
        assert len(begun.changes) == 2
        assert {link.id for link in by_id[key_of(group)].links["members"]} == set(
            map(key_of, users)
        )
        assert by_id[key_of(group)].record == {"id": key_of(group), "displayName": "group 6"}
        assert by_id[key_of(other)].links == {}
        scene.unlink("members", group, users[0])
        scene.link("owners", group, users[1])
        (change,) = (
            await client.changes("groups", begun.link, relations=["members", "owners"])
        ).changes
        assert change.links == {
            "members": [Link(key_of(users[0]), "user", removed=True)],
            "owners": [Link(key_of(users[1]), "user", removed=False)],
        }

    at_scene(scene, follow_changes)


def test_a_round_that_was_begun_anew_has_nothing_of_before(stage: Callable[..., Scene]) -> None:
    scene = stage(delta=DeltaSettings(page=2))
    users = [scene.add("user") for _ in range(6)]

    class Purging:
        """Deletes somebody when the delta is asked for its second page."""

        def __init__(self, inner: Any) -> None:
            self._inner, self._asked = inner, 0

        async def send(self, method: str, url: str, *rest: Any) -> Any:
            self._asked += "/delta" in url
            if self._asked == 2:
                scene.delete(users[0], forever=True)
                scene.probe.emulator.faults.fail_next(1, Fault(kind="page_token"))
                self._asked += 1
            return await self._inner.send(method, url, *rest)

    async def follow_changes(client: Client) -> list[str]:
        client.graph._transport = Purging(client.graph._transport)
        return [change.id for change in (await client.changes("users", None)).changes]

    assert at_scene(scene, follow_changes) == [key_of(user) for user in users[1:]]


def test_a_dead_link_is_refused_with_an_error_that_does_not_show_it(
    stage: Callable[..., Scene],
) -> None:
    clock = Clock(at=1_800_000_000)
    scene = stage(clock=clock)
    scene.add("user")

    async def follow_changes(client: Client) -> tuple[GraphError, DeltaLink]:
        _, (link,) = await list_users(client)
        clock.move(8 * DAY)
        with pytest.raises(GraphError) as caught:
            await client.changes("users", link)
        return caught.value, link

    error, link = at_scene(scene, follow_changes)

    token = link.reveal().partition("deltatoken=")[2]
    assert error.status == 400
    assert token
    assert token.encode() not in pickle.dumps(error)
    assert token not in f"{error} {error!r} {error.hint} {vars(error)}"


def test_a_link_of_another_collection_is_refused(stage: Callable[..., Scene]) -> None:
    scene = stage()

    async def follow_changes(client: Client) -> None:
        link = (await client.changes("groups", None)).link
        with pytest.raises(UsageError, match=r"not one of /v1\.0/users/"):
            await client.changes("users", link)

    at_scene(scene, follow_changes)


def test_an_api_of_ones_own_has_no_changes(scripted: ScriptedServer) -> None:
    settings = read_settings(None, {}, scripted.settings(scope=["api://own/.default"]))

    async def follow_changes() -> None:
        async with Client(settings) as client:
            with pytest.raises(UsageError, match="that of another API"):
                await client.changes("things", None)

    asyncio.run(follow_changes())


def test_scripts_without_async_follow_changes_too(stage: Callable[..., Scene]) -> None:
    scene = stage()
    user = scene.add("user")

    async def settings_of(client: Client) -> Any:
        return client.settings

    with Client(at_scene(scene, settings_of)) as client:
        begun = client.changes("users", None)
        scene.update(user, displayName="renamed")
        following = client.changes("users", begun.link)

    assert isinstance(following, graphdaemon.Round)
    assert [one.record and one.record["displayName"] for one in following.changes] == ["renamed"]
