"""The page of a report on a directory: phone and wide screen, light and dark, hostile names."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from entra_emulator.server.emulator import Emulator
from graphdaemon.client.reports.page import write_page
from graphdaemon.client.reports.report import Report
from graphdaemon.client.reports.source import Coverage
from tests.support.browser_person import Person
from tests.support.report_rows import HOSTILE, make_row

LONG = "CN=" + "NeverEndingNameOfACertificate" * 6
REPORT = Report(
    "credentials",
    "2026-11-30T20:15:00Z",
    [
        make_row(display_name=HOSTILE, owners=["ana@contoso.example", "bo@contoso.example"]),
        make_row(name=LONG, findings=["expired", "unused", "no_owner"], days_left=-1_200),
        make_row(display_name=None, end_date_time=None, days_left=None, findings=["ends_soon"]),
    ],
    ["When credentials were last used: unknown."],
    [Coverage("beta/reports/appCredentialSignInActivities", 12_345, 6, "two readings agree")],
)


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page(
    chromium: Browser, emulator: Emulator, tmp_path: Path, width: int, dark: bool
) -> None:
    """Every row is there; axe-core finds nothing; no page is wider than its window."""
    path = tmp_path / "report.html"
    path.write_bytes(write_page(REPORT))
    with Person.at(chromium, emulator, width=width, dark=dark, script=True) as person:
        person.page.goto(path.as_uri())
        expect(person.page.get_by_role("heading", level=1)).to_have_text("Secrets and certificates")
        rows = person.page.get_by_role("table", name="Rows").locator("tbody tr")
        expect(rows).to_have_count(3)
        expect(rows.first).to_contain_text(HOSTILE)
        person.page.get_by_text("What each finding means").click()
        assert person.barriers() == []
        assert not person.overflows()
