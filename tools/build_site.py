"""
Build the documentation as a site with search, in English and Brazilian Portuguese.

`python -m tools.build_site` (`make site`) writes it to build/site, and ends with exit code 1 where
a link or an anchor leads nowhere or Zensical warns; `--serve` shows it on this machine then.
Zensical lives in an environment of its own, whose `zensical` the option `--zensical` names.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from textwrap import indent
from typing import NamedTuple
from urllib.parse import unquote, urldefrag, urlsplit

ROOT = Path(__file__).parent.parent
DOCS, PARTS, BUILD = ROOT / "docs", ROOT / "tools" / "site", ROOT / "build"
OUTPUT = BUILD / "site"
REPOSITORY = "https://github.com/graphdaemon/graphdaemon/blob/main"

# What becomes a page, or is shown on one.
_SHOWN = {".md", ".png", ".svg"}
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")
_SHELLS = re.compile(
    r"(?P<bash>^```bash\n(?:(?!```).*\n)*?```)\n\n(?P<powershell>^```powershell\n(?:(?!```).*\n)*?```)",
    re.MULTILINE,
)
_ENTRY = re.compile(r"\[([^\]]+)\]\(([^)\s]+\.md)\)")


class Language(NamedTuple):
    """
    A language of the site.

    Attributes:
        code: Its BCP 47 tag.
        folder: Where its pages are below docs/; empty for English.
        texts: What the frame says that Zensical does not translate.
    """

    code: str
    folder: str
    texts: dict[str, str]


LANGUAGES = (
    Language(
        "en",
        "",
        {
            "description": "List a Microsoft Entra ID directory, and keep a database in step.",
            "to_dark": "Switch to dark mode",
            "to_light": "Switch to light mode",
        },
    ),
    Language(
        "pt-BR",
        "pt-BR",
        {
            "description": "Liste um diretório do Microsoft Entra ID e mantenha um banco em dia.",
            "to_dark": "Mudar para o modo escuro",
            "to_light": "Mudar para o modo claro",
        },
    ),
)


class Page(HTMLParser):
    """
    A page as it was built.

    Attributes:
        anchors: The IDs on it.
        links: Where it leads, and what it shows.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element's ID, and where it leads."""
        values = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := values.get(name))}
        target = values.get("src") if tag in {"img", "script"} else values.get("href")
        if target and tag in {"a", "img", "link", "script"}:
            self.links.append(target)


def main() -> int:
    """Build the site; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zensical", default="zensical", help="the program")
    parser.add_argument("--serve", action="store_true", help="show the site until Ctrl-C")
    options = parser.parse_args()
    work = BUILD / "site-work"
    shutil.rmtree(work, ignore_errors=True)
    gather_pages(work / "pages")
    for language in LANGUAGES:
        if not build(work, language, options.zensical):
            return 1
    assemble(work)
    broken = sorted(find_broken_links(OUTPUT))
    for line in broken:
        print(line, file=sys.stderr)
    pages = sum(1 for _ in OUTPUT.rglob("*.html"))
    print(f"{OUTPUT.relative_to(ROOT)}: {pages} pages, {len(broken)} broken links")
    if options.serve and not broken:
        serve()
    return 1 if broken else 0


def gather_pages(target: Path) -> None:
    """Copy the pages, and have links to other files of the project lead to its repository."""
    for path in sorted(DOCS.rglob("*")):
        if path.suffix not in _SHOWN:
            continue
        copy = target / path.relative_to(DOCS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            text = _LINK.sub(partial(_lead_outside, path), path.read_text("utf-8"))
            copy.write_text(_SHELLS.sub(_make_tabs, text), "utf-8")
        else:
            shutil.copyfile(path, copy)
    for name in ("site.css", "site.js"):
        shutil.copyfile(PARTS / name, target / name)


def _lead_outside(page: Path, match: re.Match[str]) -> str:
    """A link that leaves docs/ as one to the repository; any other as it is."""
    before, target, after = match.groups()
    if urlsplit(target).scheme or target.startswith("#"):
        return match[0]
    place = Path(os.path.normpath(page.parent / unquote(urldefrag(target).url)))
    if place.is_relative_to(DOCS) and place.suffix in _SHOWN:
        return match[0]
    return f"{before}{REPOSITORY}/{place.relative_to(ROOT).as_posix()}{after}"


def _make_tabs(match: re.Match[str]) -> str:
    """The same commands for two shells, one after the other, as tabs."""
    tabs = (f'=== "{name}"\n\n{indent(match[name], "    ")}' for name in ("bash", "powershell"))
    return "\n\n".join(tabs).replace('"powershell"', '"PowerShell"')


def make_navigation(language: Language) -> str:
    """The navigation in TOML: the sections and links of the language's first page."""
    index = DOCS / language.folder / "index.md"
    prefix = f"{language.folder}/" if language.folder else ""
    entries = [f'"{prefix}index.md"']
    for section in re.split(r"^- \*\*", index.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title, _, rest = section.partition("**")
        pages = ", ".join(
            f"{{ {_quote(_capitalise(name))} = {_quote(prefix + target)} }}"
            for name, target in _ENTRY.findall(rest)
            if ".." not in Path(target).parts
        )
        entries.append(f"{{ {_quote(title)} = [{pages}] }}")
    return f"[{', '.join(entries)}]"


def _capitalise(name: str) -> str:
    return name[:1].upper() + name[1:]


def _quote(text: str) -> str:
    # A string of JSON is one of TOML too, but for characters beyond the BMP.
    return json.dumps(text, ensure_ascii=False)


def build(work: Path, language: Language, zensical: str) -> bool:
    """Build all pages with a language's frame; say whether there was no warning."""
    values = {
        "output": language.code,
        "language": language.code,
        **language.texts,
    }
    text = (PARTS / "zensical.toml").read_text("utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", _quote(value))
    config = work / f"{language.code}.toml"
    config.write_text(text.replace("@nav@", make_navigation(language)), "utf-8")
    command = [zensical, "build", "--clean", "--strict", "--config-file", config.name]
    return subprocess.run(command, cwd=work, check=False).returncode == 0


def assemble(work: Path) -> None:
    """Take each language's pages from the site that has its frame."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    shutil.copytree(work / LANGUAGES[0].code, OUTPUT)
    for language in LANGUAGES[1:]:
        shutil.rmtree(OUTPUT / language.folder, ignore_errors=True)
        shutil.copytree(work / language.code / language.folder, OUTPUT / language.folder)


def find_broken_links(site: Path) -> Iterator[str]:
    """Yield a line for each link or anchor of a page that leads nowhere on the site."""
    pages = {path: Page(path.read_text("utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        # Whatever address was mistyped, it is shown there.
        if path.name == "404.html":
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            place = _resolve(site, path, unquote(parts.path))
            if not place.is_file():
                yield f"{path.relative_to(site)}: {link} leads nowhere"
            elif parts.fragment and place in pages:
                known = pages[place].anchors
                # The theme's own way to the top.
                if unquote(parts.fragment) not in known and parts.fragment != "__skip":
                    yield f"{path.relative_to(site)}: {link}: there is no such anchor"


def _resolve(site: Path, page: Path, place: str) -> Path:
    if not place:
        return page
    start = site if place.startswith("/") else page.parent
    target = Path(os.path.normpath(start / place.lstrip("/")))
    return target / "index.html" if target.is_dir() else target


def serve() -> None:
    """Show the site until Ctrl-C."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=OUTPUT)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 8000), handler) as server:
        print("http://127.0.0.1:8000/ until Ctrl-C")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    sys.exit(main())
