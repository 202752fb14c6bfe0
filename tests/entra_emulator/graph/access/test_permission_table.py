"""Which permission each route needs."""

import importlib.util
import json
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_emulator.graph.access.permission_table import FREE, find_access, writes
from entra_emulator.graph.router import Endpoint
from entra_emulator.graph.routes import ROUTES
from entra_emulator.model import schema
from tests.support.graph_callers import may
from tests.support.places import PUBLISHED, ROOT

KNOWN = sorted({row.value for row in schema.app_roles()} | {row.value for row in schema.scopes()})


def load_generator() -> ModuleType:
    path = ROOT / "tools" / "generate_access.py"
    spec = importlib.util.spec_from_file_location("generate_access", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated() -> None:
    """The table is what the generator makes of Microsoft's, and says where it comes from."""
    generator = load_generator()
    text = generator.TARGET.read_text("utf-8")
    source = json.loads(text)["source"]

    assert source["licence"] == "MIT, Copyright (c) Microsoft"
    assert source["written_by"] == "tools/generate_access.py"
    if not PUBLISHED.is_dir():
        pytest.skip("the published tables are not beside this checkout (../shared/data)")
    assert generator.generate(PUBLISHED) == text


def test_every_route() -> None:
    """Every Graph route that is not public says which permission it needs."""
    for endpoint in ROUTES:
        if endpoint.public or endpoint.path in FREE:
            continue
        access = find_access(endpoint.method, endpoint.path)
        assert access.delegated, endpoint.path
        assert access.least <= access.application | access.delegated, endpoint.path


@given(
    st.sampled_from([e for e in ROUTES if not e.public and not e.path.startswith("/me")]),
    st.frozensets(st.sampled_from(KNOWN), max_size=4),
    st.sampled_from(KNOWN),
)
def test_more_is_more(endpoint: Endpoint, held: frozenset[str], another: str) -> None:
    """One permission more never closes a route, nor narrows what is seen of it."""
    route = f"{endpoint.method} {endpoint.path}"
    before = may(" ".join(held), route)
    after = may(" ".join(held | {another}), route)

    if before is not None:
        assert after is not None
        assert after.basic <= before.basic or another == "User.ReadBasic.All"
        assert after.hidden >= before.hidden
        assert after.owned <= before.owned


def test_unknown_route() -> None:
    """A route that nobody thought of is an error of ours, not an open door."""
    with pytest.raises(LookupError, match="POST /nothing"):
        find_access("POST", "/nothing")


def test_what_writes() -> None:
    """Functions that are called by POST are no writes."""
    assert not writes("POST", "/groups/{key}/getMemberGroups")
    assert not writes("POST", "/directoryObjects/microsoft.graph.getByIds")
    assert writes("POST", "/groups")


def test_one_linked_object_needs_what_their_list_needs() -> None:
    for endpoint in ROUTES:
        if endpoint.method == "GET" and "{target}" in endpoint.path:
            path = endpoint.path.partition("/{target}")[0]
            one, every = find_access("GET", endpoint.path), find_access("GET", path)
            assert one.delegated == every.delegated, endpoint.path
            # No application is at `/me`.
            assert path.startswith("/me/") or one == every, endpoint.path
