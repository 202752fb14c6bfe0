"""The report's page as a file that somebody opens: phone and wide screen, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from entra_emulator.server.emulator import Emulator
from entra_emulator.traffic.report.files import write_report
from entra_emulator.traffic.report.logged_call import AppCaller
from entra_emulator.traffic.report.report import make_report
from tests.support.browser_person import Person
from tests.support.logged_calls import graph_call, token_call

HELD = frozenset({"User.Read.All", "Directory.ReadWrite.All"})
LONG = "/deviceManagement/deviceCompliancePolicies/{id}/scheduledActionsForRule/{id}/assignments"
REPORT = make_report(
    [
        graph_call(permissions=HELD, items=100, next_link=b"2", version="beta"),
        graph_call("/groups/{key}/members", status=429, retry_after=9.0, code="TooManyRequests"),
        graph_call("/groups/{key}/members", at=1, status=0),
        graph_call(LONG, known=False, permissions=HELD, status=400, code="Request_BadRequest"),
        graph_call("/me", caller=AppCaller("app-2", "t", delegated=True)),
        token_call(),
        token_call(at=1),
    ]
)


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page(
    chromium: Browser, emulator: Emulator, tmp_path: Path, width: int, dark: bool
) -> None:
    """Every finding is there; axe-core finds nothing; the page is no wider than its window."""
    path = tmp_path / "report.html"
    path.write_bytes(write_report(REPORT, path.suffix))
    with Person.at(chromium, emulator, width=width, dark=dark, script=True) as person:
        person.page.goto(path.as_uri())
        expect(person.page.get_by_role("heading", level=1)).to_have_text("What the program did")
        rows = person.page.get_by_role("table", name="Findings").locator("tbody tr")
        expect(rows).to_have_count(len(REPORT.findings))
        person.page.get_by_text("What each rule is about").click()
        assert person.barriers() == []
        assert not person.overflows()
