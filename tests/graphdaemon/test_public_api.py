"""The public surface: small, typed, documented, and cheap to import."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest

import graphdaemon
from tests.support.places import ROOT
from tools.library_page import read_signatures

SOURCE = Path(graphdaemon.__file__).parent


# What a signature may mention that is not the library's own.
_OTHERS = {
    *("Any", "AsyncGenerator", "Callable", "Generator", "Iterable", "Iterator", "Literal"),
    *("Mapping", "None", "Path", "R", "Sequence", "bool", "bytes", "dict", "float", "int", "list"),
    *("msgspec", "object", "os", "pyarrow", "str", "tuple"),
}


def test_public_names_are_those_that_one_meets() -> None:
    """Whoever annotates what the library takes or returns finds its name in the package."""
    signatures = read_signatures()
    mentioned = {
        node.id
        for name, signature in signatures.items()
        for node in ast.walk(_parse_types(name, signature))
        if isinstance(node, ast.Name)
    }

    assert mentioned - _OTHERS <= set(graphdaemon.__all__)
    assert {"Client", "OnLink", "ListingOptions", "Query", "Round"} <= mentioned


# Nobody looks into these: parts of settings, which a file describes, and of what travels.
_OPAQUE = {"CacheSettings", "CredentialSettings", "Interval", "PartChain", "Secret", "SyncSettings"}


def test_what_public_values_hold_is_public_too() -> None:
    """Whoever annotates an attribute finds its class, or it is one that nobody looks into."""
    held = {
        held.__name__
        for name in graphdaemon.__all__
        if inspect.isclass(kind := getattr(graphdaemon, name))
        for held in _list_held_classes(kind)
    }

    assert held - _OPAQUE <= set(graphdaemon.__all__)
    assert {"Coverage", "Link", "RecordChange", "Replay"} <= held
    assert {"Removal", "Verdict"} <= set(graphdaemon.__all__)


def _list_held_classes(kind: type) -> Iterator[type]:
    """The library's own classes among the types of attributes, whatever they stand within."""
    properties = [one.fget for one in vars(kind).values() if isinstance(one, property)]
    hints = [get_type_hints(kind), *map(get_type_hints, filter(None, properties))]
    types = [hint for named in hints for hint in named.values()]
    while types:
        hint = types.pop()
        types += get_args(hint)
        # Of a class with a parameter, such as `Report[StaleRow]`, the class itself.
        hint = get_origin(hint) or hint
        if inspect.isclass(hint) and hint.__module__.startswith("graphdaemon."):
            yield hint


def _parse_types(name: str, signature: str) -> ast.AST:
    """The types of a signature, without the names of parameters and the values of defaults."""
    text = signature.removeprefix("async ")
    if not text.startswith("def ") and "=" in text.partition("(")[0]:
        return ast.parse(text.partition("=")[2].strip(), mode="eval")
    if not text.startswith("def "):
        text = f"def {text}: ..."
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef), name
    arguments = [*node.args.args, *node.args.kwonlyargs, node.args.kwarg]
    types = [one.annotation for one in arguments if one is not None and one.annotation]
    returned = [node.returns] if node.returns is not None else []
    return ast.Tuple([*types, *returned])


def test_one_table_says_what_is_public() -> None:
    """What type checkers are told is what is loaded."""
    body = ast.parse((SOURCE / "__init__.py").read_text()).body
    told = {
        (one.module, alias.name)
        for block in body
        if isinstance(block, ast.If)
        for one in block.body
        if isinstance(one, ast.ImportFrom)
        for alias in one.names
        if alias.asname == alias.name
    }

    homes = graphdaemon._HOMES.items()
    assert told == {(f"graphdaemon.{module}", name) for name, module in homes}
    for name, module in homes:
        loaded = importlib.import_module(f"graphdaemon.{module}")
        assert getattr(graphdaemon, name) is getattr(loaded, name)


@pytest.mark.parametrize("name", graphdaemon.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    """Each has its section, which says what it is for."""
    page = (ROOT / "docs/reference/library.md").read_text("utf-8")
    section = page.partition(f"\n## `{name}`\n")[2].partition("\n## ")[0]

    assert re.search(r"^[A-Z][^\n]+\.$", section.replace("`", ""), re.MULTILINE), section


def test_the_page_has_signatures_as_people_write_them() -> None:
    """A parameter a line where they are many; no modules in front of names, nothing unresolved."""
    page = (ROOT / "docs/reference/library.md").read_text("utf-8")

    assert not re.search(r"ForwardRef|typing\.|collections\.abc|graphdaemon\.\w+\.", page)
    assert "    select: Sequence[str] | str = (),\n" in page
    assert "seconds: float | None = 86400,\n" in page
    assert ") -> pyarrow.RecordBatchReader: ...\n" in page
    anchors = {name.lower() for name in re.findall(r"^#+ `([\w.]+)`$", page, re.MULTILINE)}
    assert set(re.findall(r"\(#(\w+)\)", page)) <= anchors


def test_other_names_do_not_exist() -> None:
    """The lazy loading has no back door."""
    with pytest.raises(AttributeError, match="nothing_like_it"):
        graphdaemon.nothing_like_it  # noqa: B018  asking is the test


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_nothing_heavy(argument: str) -> None:
    """What is only asked for its name starts at once."""
    code = (
        "import sys; from graphdaemon.cli import run; run([sys.argv[1]]); "
        "print(*sorted({n.partition('.')[0] for n in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, argument], capture_output=True, text=True, check=True
    )

    loaded = set(done.stderr.split())
    heavy = {
        "asyncio",
        "cryptography",
        "msal",
        "msgspec",
        "requests",
        "ssl",
        "starlette",
        "typing_extensions",
        "uvicorn",
    }
    assert loaded & heavy == set()


def test_a_run_with_a_secret_does_not_load_cryptography() -> None:
    """The certificate's tools cost a tenth of a second: only a certificate pays."""
    code = (
        "import sys, graphdaemon.client.client, graphdaemon.output.sink; "
        "print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (
        set(done.stdout.split())
        & {
            *("cryptography", "msal", "requests", "starlette"),
            *("jmespath", "pyarrow", "tempfile", "wcwidth"),
        }
        == set()
    )


def test_every_error_code_raised_is_documented_and_every_documented_one_raised() -> None:
    """CODES is the whole list: nothing missing, nothing left over."""
    texts = {
        node.value
        for path in SOURCE.rglob("*.py")
        if path.name != "errors.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert set(graphdaemon.errors.CODES) - texts == set()


def list_imports(tree: ast.AST) -> set[str]:
    """What a module imports when it runs; what type checkers alone see is not loaded."""
    if isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING":
        return set()
    names = set()
    if isinstance(tree, ast.Import):
        names = {alias.name.partition(".")[0] for alias in tree.names}
    elif isinstance(tree, ast.ImportFrom):
        names = {(tree.module or "").partition(".")[0]}
    return names.union(*map(list_imports, ast.iter_child_nodes(tree)))


@pytest.mark.parametrize(
    ("package", "home"),
    [
        ("jmespath", "output/jmespath_query.py"),
        ("pyarrow", "output/arrow/pyarrow_import.py"),
        ("wcwidth", "output/formats/table.py"),
    ],
)
def test_a_package_has_one_home(package: str, home: str) -> None:
    """Changing a dependency is a change to one module."""
    users = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if package in list_imports(ast.parse(path.read_text()))
    }

    assert users == {home}
