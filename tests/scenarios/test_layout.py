"""The house: few entries, layers, a test for every module, and one style in both programs."""

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tools.architecture import read_layers

SOURCE = ROOT / "src"
PROGRAMS = {"graphdaemon": 9, "entra_emulator": 10}
COVERED = tomllib.loads((ROOT / "tests/support/covered_elsewhere.toml").read_text("utf-8"))

# A table is read row by row, and whole: no length is too long for one.
TABLES = {
    "entra_emulator/errors/graph.py",
    "entra_emulator/errors/token_service.py",
}


def list_modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def has_code(path: Path) -> bool:
    """A package's first lines alone are no code."""
    body = ast.parse(path.read_text("utf-8")).body
    return any(not isinstance(node, ast.Expr) for node in body)


def singular(word: str) -> str:
    return re.sub("ies$", "y", word).removesuffix("s")


def own_test(path: Path) -> Path:
    """The test file of a module's name; a package's own code is tested under the package's name."""
    folder = path.parent
    stem = folder.name if path.stem == "__init__" else path.stem
    return ROOT / "tests" / folder.relative_to(SOURCE) / f"test_{stem}.py"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_has_few_entries(program: str) -> None:
    """Who opens a program's folder sees what it is made of at one glance."""
    entries = {
        path.stem
        for path in (SOURCE / program).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }

    assert len(entries - {"__init__", "__main__"}) <= 20


@pytest.mark.parametrize(("program", "most"), PROGRAMS.items())
def test_a_program_has_few_layers(program: str, most: int) -> None:
    """Each layer is a thing to keep in mind."""
    assert len(read_layers()[program]) <= most


def test_every_module_has_its_test() -> None:
    """A module's test has its name, or a line says which test covers it."""
    modules = {name_of(path): path for path in list_modules() if has_code(path)}

    untested = {name for name, path in modules.items() if not own_test(path).exists()}
    assert untested == COVERED.keys()
    assert {test for test in COVERED.values() if not (ROOT / test).is_file()} == set()


def test_every_test_has_its_module() -> None:
    """What stands in the mirror has something to reflect."""
    folders = {ROOT / "tests" / path.parent.relative_to(SOURCE) for path in list_modules()}
    strays = {
        str(path.relative_to(ROOT))
        for program in PROGRAMS
        for path in (ROOT / "tests" / program).rglob("test_*.py")
        if path.parent not in folders
    }

    assert strays == set()


def test_helpers_stand_in_support() -> None:
    """Whoever looks for a helper of the tests looks in one folder."""
    strays = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if path.parent.name != "support" and not path.name.startswith(("test_", "conftest"))
    }

    assert strays == set()


def test_files_stay_short() -> None:
    """No file of code grows beyond what can be read at a sitting."""
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in list_modules()}

    assert {name: n for name, n in lengths.items() if n > 400 and name not in TABLES} == {}


def test_every_suppressed_rule_has_its_reason() -> None:
    """A bare noqa or type: ignore is a defect."""
    bare = [
        f"{name_of(path)}:{number}"
        for path in list_modules()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(r"# (noqa|type: ignore)", line)
        and not re.search(r"# (noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\]) +\S.*\w", line)
    ]

    assert bare == []


def test_both_programs_are_written_in_one_style() -> None:
    """Names are marked by single backticks, and only a program's root says what it offers."""
    texts = {name_of(path): path.read_text("utf-8") for path in list_modules()}
    roots = {f"{program}/__init__.py" for program in PROGRAMS}

    assert [name for name, text in texts.items() if "``" in text] == []
    assert {
        name for name, text in texts.items() if re.search("^__all__", text, re.MULTILINE)
    } == roots
    assert [name for name, text in texts.items() if "from __future__" in text] == []


NAMED_AS_PEOPLE_MEET_THEM = (
    *("graphdaemon/cli/", "graphdaemon/output/formats/", "graphdaemon/auth/kinds/"),
    *("entra_emulator/portal/", "entra_emulator/graph/resources/", "entra_emulator/content/"),
)
"""Folders whose files are called as commands, formats, pages and collections are."""


def test_the_glossary_has_every_word_that_names_a_module() -> None:
    """Who does not know a module's name can look it up."""
    rows = re.findall(r"^\| (.+?) \|", (ROOT / "docs/glossary.md").read_text("utf-8"), re.MULTILINE)
    words = {singular(word) for row in rows for word in re.findall(r"[a-z]+", row.lower())}
    strange = {
        f"{name_of(path)}: {word}"
        for path in list_modules()
        if path.stem[:2] != "__" and not name_of(path).startswith(NAMED_AS_PEOPLE_MEET_THEM)
        for word in path.stem.split("_")
        if singular(word) not in words | {"and", "in"}
    }

    assert strange == set()


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_class_has_a_name_of_its_own(program: str) -> None:
    """One word has one meaning: no two public classes of a program are called the same."""
    names = Counter(
        node.name
        for path in (SOURCE / program).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )

    assert [name for name, count in names.items() if count > 1] == []
