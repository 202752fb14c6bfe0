"""What the page about reports shows is run, as its reader would run it."""

from __future__ import annotations

from graphdaemon.client.reports.options import REPORTS
from tests.support.places import DOCS

PAGE = (DOCS / "how-to" / "reports.md").read_text("utf-8")


def test_the_page_names_every_finding_and_every_permission() -> None:
    for row in REPORTS.values():
        assert [rule for rule in row.rules if f"`{rule}`" not in PAGE] == []
        assert [one.role for one in row.inputs if f"`{one.role}`" not in PAGE] == []
