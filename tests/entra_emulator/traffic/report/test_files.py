from __future__ import annotations

import json

import pytest

from entra_emulator.traffic.report.files import check_name, write_report
from entra_emulator.traffic.report.report import make_report
from tests.support.logged_calls import graph_call

HOSTILE = "/<script>alert(1)</script>"
REPORT = make_report([graph_call(HOSTILE, known=False, status=403, code='"><b>')])


def test_json() -> None:
    assert (
        json.loads(write_report(REPORT, check_name("a/report.JSON")))["routes"][0]["route"]
        == HOSTILE
    )


def test_text() -> None:
    assert write_report(REPORT, ".txt").startswith(b"1 request to Graph")


def test_html() -> None:
    """One file that needs nothing beside it, in which whatever was asked is text."""
    page = write_report(REPORT, ".html").decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "<b>" not in page
    assert "--ground" in page, "the style is in it"
    assert "href=" not in page
    assert "src=" not in page


@pytest.mark.parametrize("name", ["report", "report.htm", "html", ".json"])
def test_other_names(name: str) -> None:
    with pytest.raises(ValueError, match=r"ends in \.json, \.html, \.txt"):
        check_name(name)
