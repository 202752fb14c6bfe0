"""The fidelity table: what the emulator does, how that is known, and the test that shows it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from entra_emulator.errors.graph import GRAPH_REFUSALS
from entra_emulator.errors.token_service import TOKEN_REFUSALS
from entra_emulator.graph.access.published_paths import find_published, list_published
from entra_emulator.graph.routes import ROUTER
from entra_emulator.model.schema import SINGLE_USER_ONLY

GRADES = ("recorded", "documented", "chosen", "missing")
_FILE = Path(__file__).with_name("fidelity.toml")
_PROSE = """\
How closely the pretend tenant follows the real services, one behaviour in each row. The grades:
*recorded* means that the behaviour equals an answer that was recorded from the real service.
*documented* means that it follows Microsoft's documentation, or an error quoted in a public issue.
*chosen* means that the real behaviour is not known, so that this is our own decision. *missing*
means that the emulator lacks it. The last column names the test that shows the behaviour.
"""
_COVERAGE = """\
Of the {total:,} calls (a method and a path) that Microsoft's list of 2026-08-07 has, {served:,} are
served, {refused:,} are refused with 501 "This emulator does not serve …", and {unknown:,} are not
known to the emulator."""
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
            WITNESSES[code],
            (),
        )
        for code, row in TOKEN_REFUSALS.items()
    ]
    graph = [
        Row(
            f"Graph: {row.status} {row.code or 'no code'}, {row.message[:60]}",
            _grade(row.evidence),
            row.evidence,
            WITNESSES[word],
            (),
        )
        for word, row in GRAPH_REFUSALS.items()
    ]
    return token_service + graph


# The first refusal of each part of the tables, and the test that reaches those of this part.
_PARTS: dict[int | str, str] = {
    50011: "entra_emulator/token_service/test_token_endpoint.py::test_every_refusal_is_tested",
    28000: "entra_emulator/token_service/test_sign_in_page.py::test_every_refusal_is_tested",
    "token_empty": "entra_emulator/graph/test_dispatch.py::test_every_refusal_is_tested",
    "payload_empty": "scenarios/test_fidelity.py::test_every_refusal_is_raised",
    "delta_option": "entra_emulator/graph/delta/test_endpoint.py::test_every_denial_is_tested",
    "premium_only": "entra_emulator/graph/access/test_activity_reports.py"
    "::test_a_tenant_needs_a_premium_licence",
    "throttled": "entra_emulator/server/test_fault_middleware.py::test_statuses",
}


def _assign_witnesses() -> dict[int | str, str]:
    refusals: tuple[int | str, ...] = (*TOKEN_REFUSALS, *GRAPH_REFUSALS)
    witnesses: dict[int | str, str] = {}
    witness = ""
    for refusal in refusals:
        witness = witnesses[refusal] = _PARTS.get(refusal, witness)
    return witnesses


WITNESSES = _assign_witnesses()
"""The test that reaches each refusal."""


def list_reached(test: str) -> set[int | str]:
    """The refusals that the table says this test reaches, by a part of the test's address."""
    return {refusal for refusal, witness in WITNESSES.items() if test in witness}


def _grade(evidence: str) -> str:
    for word, grade in (
        ("recorded", "recorded"),
        ("quoted", "documented"),
        ("documented", "documented"),
    ):
        if word in evidence.partition(";")[0]:
            return grade
    return "chosen"


class Coverage(NamedTuple):
    """How many of the published calls of Graph's are served, refused with 501, and not known."""

    served: int
    refused: int
    unknown: int


def count_published() -> Coverage:
    """What becomes of each call of Microsoft's published list."""
    served = refused = unknown = 0
    for method, template in list_published():
        resolved = ROUTER.resolve("/v1.0" + template.replace("{id}", "key"))
        assert resolved is not None, template
        # A word that is taken for a key would be somebody else's route.
        words = {word for name, word in resolved.keys.items() if name != "property"}
        if method in resolved.endpoints and words <= {"key"}:
            # The route of properties refuses those that other services keep.
            kept = resolved.keys.get("property", "").split("/")[0] not in SINGLE_USER_ONLY
            served, refused = served + kept, refused + (not kept)
            continue
        if method not in resolved.endpoints and find_published(resolved.path).takes(method):
            refused += 1
        else:
            unknown += 1
    return Coverage(served, refused, unknown)


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
    coverage = count_published()
    agree = RECORDED["answers"] - RECORDED["differ"]
    return "\n".join(
        [
            *lines,
            "",
            f"{len(rows())} rows: {counts}.\n",
            f"{_COVERAGE.format(total=sum(coverage), **coverage._asdict())}\n",
            "## Recorded answers of the token service\n",
            f"{agree} of {RECORDED['answers']} agree {_AGREE}",
            "| situation | reason |",
            "| --- | --- |",
            *(f"| {row.situation} | {row.reason} |" for row in deviations()),
            "",
        ]
    )
