"""The description of the control API."""

import json
from typing import Any

import pytest

from entra_emulator.control.control import PREFIX
from entra_emulator.control.controls import CONTROLS
from entra_emulator.faults.fault import KINDS
from entra_emulator.server.emulator import Emulator


@pytest.fixture
def described(entra: Emulator) -> dict[str, Any]:
    with entra.requests_session() as session:
        answer = session.get("https://localhost/_emulator/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


pytestmark = pytest.mark.entra(control=True)


def list_references(value: Any) -> set[str]:
    """Every schema that is referred to."""
    if isinstance(value, dict):
        below = set().union(*map(list_references, value.values()))
        return below | ({value["$ref"]} if "$ref" in value else set())
    return set().union(*map(list_references, value)) if isinstance(value, list) else set()


def test_every_route_is_described(described: dict[str, Any]) -> None:
    """With its method, its sentence, its answer, and names in its path."""
    operations = {
        (method.upper(), path): operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }

    assert described["openapi"] == "3.1.0"
    assert set(operations) == {(row.method, PREFIX + row.path) for row in CONTROLS}
    assert len({operation["operationId"] for operation in operations.values()}) == len(CONTROLS)
    for (_, path), operation in operations.items():
        assert operation["summary"].endswith(".")
        assert "application/json" in operation["responses"]["200"]["content"]
        named = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"]
        assert named == (["name"] if "{name}" in path else [])


def test_every_schema_is_there_and_used(described: dict[str, Any]) -> None:
    schemas = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}

    assert list_references(described) == schemas


def test_each_kind_of_fault_has_its_fields(described: dict[str, Any]) -> None:
    """What cannot be said of a kind may only be left out."""
    ways = {
        way["properties"]["kind"]["const"]: way
        for way in described["components"]["schemas"]["FaultOrder"]["anyOf"]
    }

    assert ways.keys() == KINDS.keys()
    assert ways["drip"]["properties"]["rate"] == {"type": ["number", "null"], "minimum": 1}
    assert ways["drip"]["properties"]["lag"] == {"const": None}
    assert ways["drip"]["required"] == ["kind"]
    assert "required" not in ways["outage"]


def test_bodies_are_told_from_queries(described: dict[str, Any]) -> None:
    """One that has a required field is required; a query's fields are parameters."""
    paths = described["paths"]

    assert paths["/_emulator/clock/move"]["post"]["requestBody"]["required"]
    assert not paths["/_emulator/clock/set"]["post"]["requestBody"]["required"]
    assert "requestBody" not in paths["/_emulator/audit"]["get"]
    assert [one["name"] for one in paths["/_emulator/audit"]["get"]["parameters"]] == (
        "app service verdict text before after limit".split()
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("audit?limit=5", 200),
        ("audit?limit=5&limit=6", 400),
        ("audit?before=null", 400),
        ("audit?before=-1", 400),
        ("audit?verdict=perhaps", 400),
        ("audit?vedict=refused", 400),
    ],
)
def test_a_query_is_what_the_description_says(entra: Emulator, path: str, status: int) -> None:
    with entra.requests_session() as session:
        assert session.get(f"https://localhost/_emulator/{path}").status_code == status


def test_whole_numbers_may_be_written_with_a_point(entra: Emulator) -> None:
    """JSON Schema calls 2.0 an integer; a fraction and a text are none."""
    with entra.requests_session() as session:
        for count, status in (("2.0", 200), ("2.5", 400), ('"2"', 400)):
            answer = session.post(
                "https://localhost/_emulator/faults",
                data=f'{{"count": {count}}}',
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code == status, count

    assert [plan.left for plan in entra.faults.plans()] == [2]


def test_a_refused_method_names_those_that_there_are(entra: Emulator) -> None:
    with entra.requests_session() as session:
        answer = session.put("https://localhost/_emulator/clock")
        other = session.put("https://localhost/_emulator/faults")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    assert set(other.headers["Allow"].split(", ")) == {"GET", "POST", "DELETE"}
    assert json.loads(answer.content)["error"]["code"] == "method_not_allowed"


def test_a_zero_that_was_said_is_not_forgotten(entra: Emulator) -> None:
    """0 is equal to False in Python, and a value all the same."""
    with pytest.raises(ValueError, match="of outage one can say code, retry_after, html, not lag"):
        entra.faults.fail("outage", lag=0)
    entra.faults.fail("status", retry_after=0)

    (plan,) = entra.faults.plans()
    assert plan.describe()["fault"]["retry_after"] == 0
