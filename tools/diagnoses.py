"""The doctor's cases: what is the matter, what finds it, and what it says; each row is a test."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.errors import CODES

_FILE = Path(__file__).with_name("diagnoses.toml")
_PROSE = """\
# Diagnoses

What `graphdaemon doctor` tells apart. Each row is a test that brings the state about, with a
pretend tenant, a server that misbehaves or a bare socket, and asserts what is found
(`tests/graphdaemon/doctor/test_doctor.py`). Exit code 0 is a warning: it works, and somebody should
know. Where the cause *cannot be proved* from outside, the doctor says so and lists what it may be.

With `--json` the report is one object: `verdict` (`ok`, `warning`, `failed`), `exit_code`, `first`
(the check to do something about, or null) and `checks`. A check has `check`, `host`, `state`
(`ok`, `warning`, `failed`, `skipped`), `words`, `case`, `code`, `meaning`, `step` and `details`.
Fields are added, never renamed or removed.

| what is the matter | found by | case | exit | what the doctor says | the next step |
| --- | --- | --- | --- | --- | --- |
"""


class Row(NamedTuple):
    """One state, and what the doctor must say of it."""

    name: str
    state: str
    check: str
    case: str
    exit: int
    step: str
    proves: bool


def rows() -> list[Row]:
    """Every row."""
    table = tomllib.loads(_FILE.read_text(encoding="utf-8"))["row"]
    return [Row(**(row | {"proves": row.get("proves") != "no"})) for row in table]


def render() -> str:
    """The page."""
    return _PROSE + "".join(f"{_render(row)}\n" for row in rows())


def _render(row: Row) -> str:
    if row.case in CASES:
        _, _, meaning, step = advise(row.case)
    else:
        meaning, step = CODES[row.case], f"{row.step[0].upper()}{row.step[1:]}."
    state = row.state if row.proves else f"{row.state} *Cannot be proved.*"
    cells = (state, row.check, f"`{row.case}`", str(row.exit), meaning, step)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
