"""What is there in Portuguese: whole, and no older than the English."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tools import translations

PAGES = translations.list_translations()

# What a newcomer reads first.
FIRST = {
    "README.md",
    "docs/tutorial/first-ten-minutes.md",
    "docs/tutorial/quickstart.md",
    "docs/how-to/register-the-app.md",
    "docs/how-to/ask-for-consent.md",
    "docs/how-to/use-a-certificate.md",
    "docs/how-to/call-your-own-api.md",
    "docs/how-to/find-out-why.md",
    "docs/explanation/permission-and-consent.md",
}


def test_what_a_newcomer_reads_is_translated() -> None:
    """The seed's own path, from the first command to the 403 that is understood."""
    assert {str(page.relative_to(ROOT)) for page in PAGES.values()} >= FIRST


def test_no_translation_is_older_than_its_original() -> None:
    """Translate what changed, then: python -m tools.translations --mark PAGE."""
    assert [str(page.relative_to(ROOT)) for page in translations.list_old()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_translation_has_the_commands_of_its_original(page: Path) -> None:
    """No command that the English page does not have, but for the language."""
    known = commands(PAGES[page].read_text("utf-8"))

    assert commands(page.read_text("utf-8").replace(" --lang pt", "")) <= known


def commands(text: str) -> set[str]:
    lines = re.findall(r"^\s*(?:graphdaemon|make|pip|python) .*$", text, re.MULTILINE)
    return {line.partition("#")[0].strip() for line in lines}
