"""Delta queries of consents to scopes."""

from collections.abc import Callable
from typing import Any

import pytest

from entra_emulator.clock import Clock
from entra_emulator.faults.fault import Fault
from entra_emulator.web.context import DeltaSettings
from tests.support.emulator_probe import Probe
from tests.support.graph_principals import make
from tests.support.graph_writer import Writer, start_writer

PATH = "/oauth2PermissionGrants"


def walk(writer: Writer, link: str = f"{PATH}/delta", **headers: str) -> tuple[list[Any], str]:
    """What the pages of a round report, and the link of the next round."""
    items: list[Any] = []
    while True:
        page = writer.get(link.partition("/v1.0")[2] or link, **headers)
        items += page["value"]
        if "@odata.deltaLink" in page:
            return items, page["@odata.deltaLink"]
        link = page["@odata.nextLink"]


def grant(writer: Writer, scope: str = "User.Read") -> dict[str, Any]:
    """A grant of a new client, as lists show it."""
    client, resource = make(writer)[1]["id"], make(writer)[1]["id"]
    body = {"clientId": client, "resourceId": resource, "consentType": "AllPrincipals"}
    made = writer.make(PATH, body | {"scope": scope})
    del made["@odata.context"]
    return made


def test_grants_that_are_new_changed_and_gone_are_reported_once(writer: Writer) -> None:
    kept, changed, gone = grant(writer), grant(writer), grant(writer)
    everything, link = walk(writer)
    assert [one for one in everything if one in (kept, changed, gone)] == sorted(
        (kept, changed, gone), key=everything.index
    )
    assert walk(writer, link)[0] == []

    new = grant(writer)
    assert writer.patch(f"{PATH}/{changed['id']}", {"scope": "User.Read Mail.Read"}).status == 204
    assert writer.delete(f"{PATH}/{gone['id']}").status == 204

    items, later = walk(writer, link)
    by_id = {item["id"]: item for item in items}
    assert by_id == {
        new["id"]: new,
        changed["id"]: changed | {"scope": "User.Read Mail.Read"},
        gone["id"]: {"id": gone["id"], "@removed": {"reason": "deleted"}},
    }
    assert walk(writer, later)[0] == []
    # An older link still leads to the same.
    assert walk(writer, link)[0] == items


def test_only_selected_properties_and_ids_are_tracked(writer: Writer) -> None:
    one, other = grant(writer), grant(writer)
    selected, link = walk(writer, f"{PATH}/delta?$select=clientId")
    assert {"id": one["id"], "clientId": one["clientId"]} in selected
    by_id, narrow = walk(writer, f"{PATH}/delta?$filter=id%20eq%20{one['id']}")
    assert by_id == [one]

    for each in (one, other):
        assert writer.patch(f"{PATH}/{each['id']}", {"scope": "Mail.Read"}).status == 204

    assert walk(writer, link)[0] == []
    assert walk(writer, narrow)[0] == [one | {"scope": "Mail.Read"}]
    minimal, _ = walk(writer, narrow, Prefer="return=minimal")
    assert minimal == [{"id": one["id"], "scope": "Mail.Read"}]


def test_latest_reports_only_what_comes(writer: Writer) -> None:
    grant(writer)
    nothing, link = walk(writer, f"{PATH}/delta?$deltatoken=latest")
    new = grant(writer)

    assert nothing == []
    assert walk(writer, link)[0] == [new]


@pytest.fixture
def small(launch: Callable[..., Probe]) -> Writer:
    """A tenant with two grants on a page, whose clock stands still."""
    clock = Clock(at=1_800_000_000)
    return start_writer(launch(users=0, clock=clock, delta=DeltaSettings(page=2)))


def test_pages_together_have_every_grant_once(small: Writer) -> None:
    made = [grant(small) for _ in range(5)]
    first = small.get(f"{PATH}/delta")

    assert len(first["value"]) == 2
    items, _ = walk(small)
    assert [item for item in items if item in made] == sorted(made, key=items.index)
    assert len({item["id"] for item in items}) == len(items)


def test_pages_of_a_round_are_of_the_moment_it_began(small: Writer) -> None:
    made = [grant(small) for _ in range(3)]
    first = small.get(f"{PATH}/delta")
    assert small.delete(f"{PATH}/{made[2]['id']}").status == 204

    items, link = walk(small, first["@odata.nextLink"])

    assert {item["id"] for item in first["value"] + items} >= {one["id"] for one in made}
    assert walk(small, link)[0] == [{"id": made[2]["id"], "@removed": {"reason": "deleted"}}]


def test_a_link_of_another_emulator_or_tenant_begins_anew(
    small: Writer, launch: Callable[..., Probe], writer: Writer
) -> None:
    _, link = walk(small)
    strange = walk(writer)[1]
    again = f"{PATH}/delta?{link.partition('?')[2]}"

    assert small.send("GET", again).status == 200
    assert small.send("GET", f"{PATH}/delta?{strange.partition('?')[2]}").status == 400
    assert small.send("GET", again.replace("deltatoken", "skiptoken")).status == 400


def test_an_ordered_reset_says_where_to_begin_anew(small: Writer) -> None:
    _, link = walk(small, f"{PATH}/delta?$select=scope")
    small.app.probe.emulator.faults.fail_for(None, Fault(kind="delta_reset"))

    answer = small.send("GET", link.partition("/v1.0")[2])

    assert answer.status == 410
    assert answer.headers["location"].endswith(f"{PATH}/delta?$select=scope&$deltatoken=")
    assert (
        walk(small, answer.headers["location"])[0] == walk(small, f"{PATH}/delta?$select=scope")[0]
    )


@pytest.mark.parametrize(
    "options", ["$filter=scope eq 'x'", "$orderby=scope", "$select=nothing", "$search=%22a%22"]
)
def test_other_options_are_refused(writer: Writer, options: str) -> None:
    assert writer.send("GET", f"{PATH}/delta?{options.replace(' ', '%20')}").status == 400
