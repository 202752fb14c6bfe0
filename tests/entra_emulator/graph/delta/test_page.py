import msgspec
import pytest

from entra_emulator.directory.representation import render
from entra_emulator.graph.delta.items import render_tracked
from entra_emulator.graph.delta.page import render_joined_tracked
from entra_emulator.graph.delta.tracked import TrackedType
from entra_emulator.model.records import Record
from tests.support.delta_scene import Scene, key_of

QUERIES = {
    "users": "users/delta?",
    "selected users": "users/delta?$select=mail,displayName,id",
    "users with licences": "users/delta?$select=assignedLicenses,userType",
    "devices": "devices/delta?",
    "every type": "directoryObjects/delta?",
}


@pytest.mark.parametrize(
    ("query", "metadata"),
    [*((query, "minimal") for query in QUERIES.values()), (QUERIES["every type"], "none")],
)
def test_a_first_round_tells_of_each_object_what_a_query_of_it_alone_tells(
    frozen: Scene, query: str, metadata: str
) -> None:
    licences = [{"skuId": "6fd2c87f-b296-42f0-b197-1e91e994b900", "disabledPlans": []}]
    users = [
        frozen.add("user", jobTitle='A, "}', userType="Member"),
        frozen.add("user", assignedLicenses=licences, mail="b@contoso.example"),
        *(frozen.add("user", mobilePhone=str(number)) for number in range(6)),
    ]
    devices = [frozen.add("device", deviceId=f"d-{number}") for number in range(4)]
    frozen.delete(users.pop(3))
    accept = f"application/json;odata.metadata={metadata}"
    link, told = f"/v1.0/{query}", list[Record]()
    while link:
        page = frozen.get(link, accept=accept).json()
        assert 0 < len(page["value"]) <= 3
        told += page["value"]
        link = page.get("@odata.nextLink")

    live = {one["id"]: one for one in told if "@removed" not in one}
    expected = {"users": users, "devices": devices, "directoryObjects": users + devices}
    assert {key_of(row) for row in expected[query.partition("/")[0]]} <= live.keys()
    assert len(told) == len({one["id"] for one in told})
    for key, shown in live.items():
        alone = frozen.get(f"/v1.0/{query}&$filter=id%20eq%20'{key}'", accept=accept).json()
        assert [list(one.items()) for one in alone["value"]] == [list(shown.items())]


@pytest.mark.parametrize("select", [None, ("displayName",), ("id", "city"), ("extension_0a_size",)])
@pytest.mark.parametrize("typed", [True, False])
def test_joined_objects_are_told_as_those_that_stand_alone(
    select: tuple[str, ...] | None, *, typed: bool
) -> None:
    tracked = TrackedType("user", select, ())
    users: list[Record] = [
        {"id": "1", "displayName": '"},{', "city": None},
        {"id": "2", "displayName": "B", "extension_0a_size": 1},
        {"id": "3", "city": "C", "businessPhones": []},
    ]
    docs = [render("user", user).doc for user in users]

    body = render_joined_tracked(tracked, b",".join(docs), typed=typed)

    mark = {"@odata.type": "#microsoft.graph.user"} if typed else {}
    alone = [mark | render_tracked(tracked, doc) for doc in docs]
    assert body == msgspec.json.encode(alone)[1:-1]
