"""The envelope of a batch, as different programs write it."""

from typing import Any

import pytest

from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.batch_envelope import list_waves, read_requests
from tests.support.emulator_probe import App


def get(key: Any, **more: Any) -> dict[str, Any]:
    return {"id": key, "method": "GET", "url": "/users?$top=1", **more}


def test_a_number_is_an_id_and_is_answered_as_a_text(app: App, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = b'{"requests":[{"id":1,"method":"GET","url":"/users?$top=1"}]}'

    answer = app.probe.send("POST", "/v1.0/$batch", headers=headers, body=body)

    assert [(one["id"], one["status"]) for one in answer.json()["responses"]] == [("1", 200)]


def test_a_request_depends_on_a_number_however_either_is_written() -> None:
    requests = read_requests(
        {"requests": [get(1), get(2, dependsOn=["1"]), get("3", dependsOn=[2])]}
    )

    assert [request.id for request in requests] == ["1", "2", "3"]
    assert [len(wave) for wave in list_waves(requests)] == [1, 1, 1]


def test_a_number_and_its_text_are_the_same_id() -> None:
    with pytest.raises(GraphRefusal, match="has to be unique"):
        read_requests({"requests": [get(1), get("1")]})


@pytest.mark.parametrize("key", [True, 1.5, None, "", [], {}])
def test_nothing_else_is_an_id(key: Any) -> None:
    with pytest.raises(GraphRefusal, match="Invalid batch payload format"):
        read_requests({"requests": [get(key)]})


@pytest.mark.parametrize("more", [{"headers": None}, {"dependsOn": None}, {"body": None}])
def test_a_null_is_what_nothing_is(more: dict[str, Any]) -> None:
    assert read_requests({"requests": [get("1", **more)]}) == read_requests(
        {"requests": [get("1")]}
    )
