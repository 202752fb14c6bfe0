"""A report as a page: whole, escaped, and by itself."""

from __future__ import annotations

import html.parser
from typing import Any

from graphdaemon.client.reports.credentials import CredentialRow
from graphdaemon.client.reports.page import write_page
from graphdaemon.client.reports.report import Report
from graphdaemon.client.reports.source import Coverage
from tests.support.report_rows import HOSTILE, make_row


class Reader(html.parser.HTMLParser):
    """Collects the tags, addresses and cells of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src", "onerror")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def make(*rows: CredentialRow, notes: tuple[str, ...] = ()) -> Report[CredentialRow]:
    coverage = [Coverage("applications", 1_234, 5, "one answer holds everything")]
    return Report("credentials", "2026-11-30T20:15:00Z", rows, list(notes), coverage)


def test_values_are_escaped_and_nothing_is_loaded() -> None:
    row = make_row(display_name=HOSTILE, name=HOSTILE, owners=[HOSTILE], findings=["expired"])
    page = write_page(make(row, notes=(HOSTILE,))).decode()

    read = Reader(page)

    assert not read.tags & {"script", "img", "link", "iframe"}
    assert read.addresses == []
    assert read.texts.count(HOSTILE) == 4
    assert "content=\"default-src 'none';" in page


def test_the_page_says_what_was_found_and_what_shows_it() -> None:
    read = Reader(write_page(make(make_row(findings=["expired", "no_owner"]), make_row())).decode())
    text = " ".join(" ".join(read.texts).split())

    assert "As of 2026-11-30 20:15 UTC: 2 rows." in text
    assert "expired 1 no owner 1" in text
    assert "applications 1,234 5 one answer holds everything" in text
    assert "Display name Kind Name End Days left Use Owners Findings" in text


def test_a_report_without_rows_says_so() -> None:
    read = Reader(write_page(make()).decode())

    assert {"Nothing was found.", "There are none."} <= {text.strip() for text in read.texts}


def test_half_a_character_does_not_break_the_page() -> None:
    assert b"?" in write_page(make(make_row(display_name="\ud800")))
