"""The table of checks in the page on completeness, from the checks that reach the verdict."""

from __future__ import annotations

from pathlib import Path

from graphdaemon.listing.verdict import CHECKS

PAGE = Path(__file__).parent.parent / "docs" / "explanation" / "complete.md"
_BEGIN = "<!-- checks: made from the code by `make docs` -->\n"
_END = "<!-- end of the checks -->"


def render_page() -> str:
    """The page as it is, with the checks that there are today."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    rows = [f"| `{check.name}` | {check.requires} | {check.next_step} |" for check in CHECKS]
    table = "\n".join(
        ["| check | what is required | what to do if it is not met |", "| --- | --- | --- |", *rows]
    )
    return f"{before}{_BEGIN}\n{table}\n\n{_END}{after}"
