from __future__ import annotations

import re
from string import Formatter

import pytest

from entra_emulator.model.directory_roles import ROLES
from entra_emulator.web.pages.texts import LANGUAGES, choose_language, read_texts
from tests.support.places import ROOT

SOURCE = ROOT / "src" / "entra_emulator"
SOURCES = "\n".join(
    path.read_text("utf-8") for path in (*SOURCE.rglob("*.py"), *SOURCE.rglob("templates/*.html"))
)


def slots(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None}


def test_every_language() -> None:
    """Every text is there in every language, and has the same things to fill in."""
    for key, texts in read_texts().items():
        assert texts.keys() == LANGUAGES.keys(), key
        assert len({frozenset(slots(words)) for words in texts.values()}) == 1, key
        assert all(words.strip() for words in texts.values()), key


def test_no_unused() -> None:
    """Every text is said somewhere: its key, or the beginning of it, stands in the sources."""
    begun = set(re.findall(r"[\"']([a-z_]+\.[a-z_]*)(?=[\"'] ~|\{)", SOURCES))
    said = set(re.findall(r"[\"']([a-z_]+(?:\.\w+)+)[\"']", SOURCES))
    # Whatever a fault says it is: PortalRefusal(404, "tenant").
    words = re.findall(r"PortalRefusal\(\s*\d+,\s*\"([a-z_]+)\"|word = \"([a-z_]+)\"", SOURCES)
    said |= {f"refused.{a or b}.{part}" for a, b in words for part in ("title", "text")}
    said |= {
        f"refused.{word}.{part}" for word in ("forbidden", "graph") for part in ("title", "text")
    }
    begun.discard("refused.")
    unused = [k for k in read_texts() if k not in said and not k.startswith(tuple(begun))]

    assert unused == []


def test_no_missing() -> None:
    """Every text that is asked for by its whole key is there."""
    asked = set(re.findall(r"(?:\bt|\bsay|\bnotify)\(\s*[\"']([a-z_]+\.\w+)[\"'][,)]", SOURCES))
    faults = set(re.findall(r"PortalRefusal\(\s*\d+,\s*\"([a-z_]+)\"", SOURCES))
    asked |= {f"refused.{word}.{part}" for word in faults for part in ("title", "text")}

    assert asked - read_texts().keys() == set()


def test_every_role() -> None:
    """Every directory role has its name in every language, in English that of the role itself."""
    known = {key: texts["en"] for key, texts in read_texts().items() if key.startswith("role.")}

    assert known == {f"role.{template}": name for name, template in ROLES.items()}


@pytest.mark.parametrize(
    ("kept", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "pt-BR,pt;q=0.9,en;q=0.8", "pt-BR"),
        (None, "pt", "pt-BR"),
        (None, "de-DE, en;q=0.5, pt;q=0.7", "pt-BR"),
        (None, "pt;q=0, en", "en"),
        (None, "fr;q=1, de", "en"),
        (None, "nonsense;;;,,", "en"),
        ("en", "pt-BR", "en"),
        ("xx", "pt-BR", "pt-BR"),
    ],
)
def test_choice(kept: str | None, accepted: str, language: str) -> None:
    """The language chosen before counts, then the browser's first that the portal speaks."""
    assert choose_language(kept, accepted) == language
