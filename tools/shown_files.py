"""
The files that a page shows, put into it as they are.

A line ``<!-- deploy/cron/crontab -->`` in a page names the file; the code block below it is written
by ``make docs``, so that nobody copies what is not what runs.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
_LANGUAGES = {
    ".json": "json",
    ".ps1": "powershell",
    ".py": "python",
    ".service": "ini",
    ".sh": "sh",
    ".timer": "ini",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_SHOWN = re.compile(r"(<!-- (deploy/\S+) -->\n)(?:\n```.*?^```\n)?", re.DOTALL | re.MULTILINE)


def render_pages() -> dict[str, str]:
    """The text of each how-to page that shows files, by its path from the reference."""
    texts = {path: path.read_text("utf-8") for path in (ROOT / "docs/how-to").glob("*.md")}
    return {
        f"../how-to/{path.name}": _SHOWN.sub(_show, text)
        for path, text in sorted(texts.items())
        if _SHOWN.search(text)
    }


def _show(match: re.Match[str]) -> str:
    path = ROOT / match[2]
    language = _LANGUAGES.get(path.suffix, "text")
    return f"{match[1]}\n```{language}\n{path.read_text('utf-8').rstrip()}\n```\n"
