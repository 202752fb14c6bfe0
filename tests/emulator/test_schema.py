import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from graphdaemon.emulator import schema
from graphdaemon.emulator.clock import Clock, format_http_date, format_iso, format_stamp, parse_iso

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_schema", ROOT / "tools" / "generate_schema.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated() -> None:
    """The data files are what the generator makes of Microsoft's tables."""
    if not SHARED.is_dir():
        pytest.skip("the published tables are not beside this checkout (../shared/data)")
    generator = load_generator()

    for name, text in generator.generate(SHARED).items():
        assert (generator.TARGET / name).read_text("utf-8") == text


@pytest.mark.parametrize("name", ["schema.json", "roles.json", "scopes.json"])
def test_source(name: str) -> None:
    """Every generated file says where it comes from and under which licence."""
    folder = ROOT / "src" / "graphdaemon" / "emulator" / "data"
    source = json.loads((folder / name).read_text("utf-8"))["source"]

    assert source["repository"].startswith("https://github.com/microsoftgraph/")
    assert source["licence"] == "MIT, Copyright (c) Microsoft"
    assert source["written_by"] == "tools/generate_schema.py"


def test_declared() -> None:
    """A user has its 79 declared properties and those of its base types."""
    declared = schema.declared("user")

    assert len(declared) == 81
    assert {"id", "deletedDateTime"} <= set(declared)
    assert declared["accountEnabled"] == "Edm.Boolean"


def test_canonical() -> None:
    """Property names match in any case of letters; extensions are names of their own."""
    names = ("USERPRINCIPALNAME", "extension_0a_size", "extension_a b", "nothing")

    found = [schema.canonical("user", name) for name in names]

    assert found == ["userPrincipalName", "extension_0a_size", None, None]


def test_tables_name_properties() -> None:
    """Every name in the hand-written tables is a declared property."""
    declared = set(schema.declared("user"))
    tables: list[Any] = [
        schema.DEFAULT_USER,
        schema.BASIC_USER,
        schema.SINGLE_USER_ONLY,
        schema.FILTERS["user"],
    ]

    assert [set(table) - declared for table in tables] == [set()] * 4
    assert len(schema.DEFAULT_USER) == 11


def test_recorded_default() -> None:
    """The default set and its order are those of a recorded list."""
    path = SHARED / "recordings" / "azure-cli.jsonl"
    if not path.is_file():
        pytest.skip("the recordings are not beside this checkout (../shared/data)")
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lists = [
        record["response_body"]["value"]
        for record in records
        if record["method"] == "GET" and "/v1.0/users?" in record["url"]
    ]
    users = [user for users in lists for user in users]

    assert users
    assert {tuple(user) for user in users} == {schema.DEFAULT_USER}


def test_clock() -> None:
    """A clock can stand still, jump, and run again."""
    clock = Clock(at=1_800_000_000)
    clock.move(60)
    moved = clock()
    clock.freeze(5)
    frozen = clock.now()
    clock.resume()

    assert (moved, frozen) == (1_800_000_060, 5)
    assert clock.now() > 1_700_000_000


def test_frozen_in_passing() -> None:
    """A running clock can be stopped where it is, after having been moved."""
    clock = Clock()
    clock.move(-1000)
    clock.freeze()

    assert clock.now() == clock.now() < Clock().now() - 900


def test_formats() -> None:
    """Each service's way to write a time."""
    moment = 1_772_356_211.5

    assert format_iso(moment) == "2026-03-01T09:10:11Z"
    assert format_iso(moment, 7) == "2026-03-01T09:10:11.5000000Z"
    assert format_stamp(moment) == "2026-03-01 09:10:11Z"
    assert format_http_date(moment) == "Sun, 01 Mar 2026 09:10:11 GMT"
    assert parse_iso("2026-03-01T10:10:11.5000000+01:00") == moment
    assert parse_iso("2026-03-01") == 1_772_323_200
