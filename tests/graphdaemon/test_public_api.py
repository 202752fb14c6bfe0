"""The public surface: small, typed, documented, and cheap to import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import graphdaemon

SOURCE = Path(graphdaemon.__file__).parent


def test_public_names_are_sorted_and_few() -> None:
    """Thirteen names, so that the library can be learnt at a sitting."""
    assert graphdaemon.__all__ == sorted(graphdaemon.__all__)
    assert len(graphdaemon.__all__) <= 13


@pytest.mark.parametrize("name", graphdaemon.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    """Each can be imported, and says what it is for."""
    assert getattr(graphdaemon, name).__doc__


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
        if re.search(rf"^\s*(import|from) {package}\b", path.read_text(), re.MULTILINE)
    }

    assert users == {home}
