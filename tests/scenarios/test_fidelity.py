"""Claims have witnesses."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatchcase
from functools import cache

import pytest

from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.graph.routes import ROUTES as GRAPH_ROUTES
from entra_emulator.portal.routes import list_routes
from entra_emulator.server.app import ROUTES
from tests.support.places import ROOT
from tools.fidelity import GRADES, Row, rows

SOURCE = ROOT / "src" / "entra_emulator"


@cache
def names_in(name: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / name).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", rows(), ids=map(str, range(len(rows()))))
def test_every_row_has_a_witness(row: Row) -> None:
    """The test that a row names is there."""
    name, _, test = row.witness.partition("::")

    assert test in names_in(name)
    assert row.grade in GRADES


def test_every_route_has_a_row() -> None:
    """Nothing is served that the table does not grade."""
    served = {f"{route.method} {route.path}" for route in ROUTES}
    served |= {f"{route.method} {route.path}" for route in GRAPH_ROUTES}
    served |= {f"{page.method} {page.path}" for page in list_routes()}
    # What begins like a row's path hangs on it: counts, casts, what is linked.
    patterns = [route for row in rows() for route in row.routes]

    assert [one for one in served if not any(fnmatchcase(one, p) for p in patterns)] == []


def test_what_is_chosen_or_missing_says_so_in_a_note() -> None:
    """A choice is explained where it is listed."""
    assert [row.what for row in rows() if row.grade in ("chosen", "missing") and not row.note] == []


def test_every_refusal_is_raised() -> None:
    """No row of Graph's refusals is there for nothing."""
    sources = [p.read_text("utf-8") for p in SOURCE.rglob("*.py") if p.parent.name != "errors"]
    raised = {word for text in sources for word in re.findall(r"[\"']([a-z0-9_]+)[\"']", text)}
    # Made from the status.
    raised |= {f"broken_{status}" for status in (500, 502, 503, 504)}

    assert set(GRAPH_REFUSALS) - raised == set()
