"""The fidelity table: what the emulator does, how that is known, and the test that shows it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from entra_emulator.errors.breakdown import BREAKDOWNS
from entra_emulator.errors.delegated import DELEGATED
from entra_emulator.errors.denial import DENIALS
from entra_emulator.errors.graph import GRAPH
from entra_emulator.errors.rejection import REJECTIONS
from entra_emulator.errors.token_service import OAUTH

GRADES = ("recorded", "documented", "chosen", "missing")
_FILE = Path(__file__).with_name("fidelity.toml")
_PROSE = """\
How close the pretend tenant comes to the real services, row by row. *recorded*: the same as an
answer recorded from the real service; *documented*: as Microsoft's documentation, or an error
quoted in a public issue, has it; *chosen*: not known, and so ours; *missing*. The last column names
the test that shows it.
"""
_AGREE = """\
in status, keys and their order, codes and the shape of every text
(`tests/scenarios/test_golden_token_service.py`). The others differ for these reasons:
"""


class Row(NamedTuple):
    """One behaviour."""

    what: str
    grade: str
    note: str
    witness: str
    routes: tuple[str, ...]


class Deviation(NamedTuple):
    """A situation in which the emulator answers otherwise than was recorded, and why."""

    situation: str
    reason: str


_TABLES = tomllib.loads(_FILE.read_text(encoding="utf-8"))

RECORDED: dict[str, int] = _TABLES["recorded"]
"""How many recorded answers of the token service are compared, and how many differ."""


GRAPH_RECORDED: dict[str, int] = _TABLES["graph_recorded"]
"""The same of Graph's recorded answers."""


def deviations() -> list[Deviation]:
    """Every situation that may differ."""
    return [Deviation(**row) for row in _TABLES["deviation"]]


def graph_deviations() -> list[Deviation]:
    """How Graph's recorded answers and the emulator's may differ: a pattern, and why."""
    return [Deviation(**row) for row in _TABLES.get("graph_deviation", [])]


def rows() -> list[Row]:
    """Every row, refusals included."""
    written = [
        Row(**({"note": ""} | row | {"routes": tuple(row.get("routes", ()))}))
        for row in _TABLES["row"]
    ]
    return [*written, *_refusals()]


def _refusals() -> list[Row]:
    token_service = [
        Row(
            f"AADSTS{code}: {row.status} {row.error}",
            _grade(row.evidence),
            row.evidence,
            f"{file}::test_every_refusal_is_tested",
            (),
        )
        for table, file in (
            (
                {c: r for c, r in OAUTH.items() if c not in DELEGATED},
                "entra_emulator/token_service/test_token_endpoint.py",
            ),
            (DELEGATED, "entra_emulator/token_service/test_sign_in_page.py"),
        )
        for code, row in sorted(table.items())
    ]
    graph = [
        Row(
            f"Graph: {row.status} {row.code or 'no code'}, {row.message[:60]}",
            _grade(row.evidence),
            row.evidence,
            witness,
            (),
        )
        for table, witness in (
            (GRAPH, "entra_emulator/graph/test_dispatch.py::test_every_refusal_is_tested"),
            (REJECTIONS, "scenarios/test_fidelity.py::test_every_refusal_is_raised"),
            (DENIALS, "entra_emulator/graph/delta/test_endpoint.py::test_every_denial_is_tested"),
            (BREAKDOWNS, "entra_emulator/server/test_fault_middleware.py::test_statuses"),
        )
        for row in table.values()
    ]
    return token_service + graph


def _grade(evidence: str) -> str:
    for word, grade in (
        ("recorded", "recorded"),
        ("quoted", "documented"),
        ("documented", "documented"),
    ):
        if word in evidence.partition(";")[0]:
            return grade
    return "chosen"


def render() -> str:
    """The reference page."""
    lines = [
        "# Fidelity of the emulator\n",
        _PROSE,
        "| behaviour | grade | note | witness |",
        "| --- | --- | --- | --- |",
    ]
    for row in rows():
        routes = ", ".join(f"`{route}`" for route in row.routes)
        what = f"{routes}: {row.what}" if routes else row.what
        cells = (what, row.grade, row.note, f"`{row.witness}`")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    counts = ", ".join(f"{sum(row.grade == grade for row in rows())} {grade}" for grade in GRADES)
    agree = RECORDED["answers"] - RECORDED["differ"]
    return "\n".join(
        [
            *lines,
            "",
            f"{len(rows())} rows: {counts}.\n",
            "## Recorded answers of the token service\n",
            f"{agree} of {RECORDED['answers']} agree {_AGREE}",
            "| situation | reason |",
            "| --- | --- |",
            *(f"| {row.situation} | {row.reason} |" for row in deviations()),
            "",
        ]
    )
