"""
Which pages are there in Portuguese, and which of these are older than their English original.

A translation ends in a comment that holds the digest of the original it was made from. `python -m
tools.translations` lists what is missing and what is old, with exit code 1 where something is old;
`--mark PAGE` notes that a page has been brought up to date.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRANSLATED = ROOT / "docs" / "pt-BR"

_MARK = re.compile(r"\n<!-- Translated from the original with the digest ([0-9a-f]{12}) -->\n$")


def list_translations() -> dict[Path, Path]:
    """Return the original of each translation."""
    pages = {
        path: ROOT / "docs" / path.relative_to(TRANSLATED)
        for path in sorted(TRANSLATED.rglob("*.md"))
        # The first page lists what there is in its language, and is no translation.
        if path != TRANSLATED / "index.md"
    }
    return {ROOT / "README.pt-BR.md": ROOT / "README.md", **pages}


def list_missing() -> list[Path]:
    """Return the English pages without a translation, without those that are generated."""
    originals = set(list_translations().values())
    pages = [path for path in (ROOT / "docs").rglob("*.md") if TRANSLATED not in path.parents]
    return sorted(
        path
        for path in pages
        if path not in originals and path.name != "index.md" and path.parent.name != "reference"
    )


def list_old() -> list[Path]:
    """Return the translations whose original has changed since."""
    return [
        page
        for page, original in list_translations().items()
        if _read_mark(page) != _digest(original)
    ]


def mark(page: Path) -> None:
    """Note that a translation says what its original says now."""
    original = list_translations()[page]
    text = _MARK.sub("\n", page.read_text("utf-8")).rstrip("\n")
    line = f"<!-- Translated from the original with the digest {_digest(original)} -->"
    page.write_text(f"{text}\n\n{line}\n", "utf-8")


def _read_mark(page: Path) -> str:
    match = _MARK.search(page.read_text("utf-8"))
    return match[1] if match else ""


def _digest(page: Path) -> str:
    return hashlib.sha256(page.read_bytes()).hexdigest()[:12]


def main() -> int:
    """List, or mark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mark", nargs="+", type=Path, default=[], metavar="PAGE")
    options = parser.parse_args()
    for page in options.mark:
        mark(page.resolve())
    for page in list_missing():
        print(f"not translated: {page.relative_to(ROOT)}")
    old = list_old()
    for page in old:
        print(f"older than its original: {page.relative_to(ROOT)}")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
