"""What a request costs."""

import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from entra_emulator.graph.access.cost import cost_of
from entra_emulator.graph.routes import ROUTER
from tests.support.places import PUBLISHED

RECORDINGS = PUBLISHED / "recordings"


@pytest.mark.parametrize(
    ("route", "options", "units"),
    [
        ("GET /users", {}, 2),
        ("GET /users", {"$select": "id"}, 1),
        ("GET /users", {"$expand": "manager"}, 3),
        ("GET /users", {"$expand": "manager", "$select": "id", "$top": "19"}, 1),
        ("GET /users", {"$top": "20"}, 2),
        ("GET /users", {"$top": "many"}, 2),
        ("GET /users/{key}", {}, 1),
        ("GET /users/{key}", {"$expand": "manager"}, 2),
        ("GET /users/$count", {}, 1),
        ("GET /groups", {"$select": "id", "$top": "1"}, 1),
        ("GET /groups/{key}/transitiveMembers", {}, 5),
        ("GET /groups/{key}/transitiveMembers", {"$select": "id"}, 4),
        ("GET /groups/{key}/members/microsoft.graph.user", {}, 3),
        ("GET /me/memberOf", {}, 2),
        ("GET /subscribedSkus", {}, 3),
        ("POST /users/{key}/checkMemberObjects", {}, 4),
        ("POST /users", {}, 1),
    ],
)
def test_costs(route: str, options: dict[str, str], units: int) -> None:
    """A request costs its base, less with `$select` and small pages, more with `$expand`."""
    method, template = route.split(" ")

    assert cost_of(method, template, options) == units


def test_recorded_costs() -> None:
    """Every recorded success cost what it costs here."""
    if not RECORDINGS.is_dir():
        pytest.skip("the recordings are not beside this checkout (../shared/data)")
    seen = 0
    for line in (RECORDINGS / "azure-cli.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        headers = {name.lower(): value for name, value in entry["response_headers"].items()}
        units = headers.get("x-ms-resource-unit")
        parts = urlsplit(entry["url"])
        found = ROUTER.resolve(parts.path) if units and entry["status"] < 300 else None
        endpoint = found and found.endpoints.get(entry["method"])
        if endpoint:
            options = {name.lower(): value for name, value in parse_qsl(unquote(parts.query))}
            assert str(cost_of(entry["method"], endpoint.path, options)) == units, entry["url"]
            seen += 1
    assert seen > 50
