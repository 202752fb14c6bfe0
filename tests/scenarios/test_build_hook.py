"""What an installation compiles, and that it asks nobody for a compiler."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.places import ROOT

Compile = Callable[[Path, Path], Path | None]


@pytest.fixture(scope="module")
def compile_part() -> Compile:
    pytest.importorskip("hatchling")
    found: dict[str, Any] = runpy.run_path(str(ROOT / "hatch_build.py"))
    compile_part: Compile = found["_compile"]
    return compile_part


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no compiler")
def test_it_is_compiled_to_the_same_bytes_each_time(compile_part: Compile, tmp_path: Path) -> None:
    """Whoever builds a release anew can compare it."""
    one, other = tmp_path / "one.so", tmp_path / "other.so"

    assert compile_part(ROOT, one) == one
    assert compile_part(ROOT, other) == other
    assert one.read_bytes() == other.read_bytes()
    assert str(ROOT).encode() not in one.read_bytes()


def test_nothing_is_compiled_where_there_is_no_compiler(
    compile_part: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installation goes on without a word, unless it was demanded."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "")
    assert compile_part(ROOT, tmp_path / "part.so") is None

    monkeypatch.setenv("GRAPHDAEMON_COMPILE", "1")
    with pytest.raises(RuntimeError, match="no compiler"):
        compile_part(ROOT, tmp_path / "part.so")


def test_a_compilation_that_fails_is_none(
    compile_part: Compile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Headers of Python may be missing, or the compiler may be another's."""
    (tmp_path / "src/graphdaemon/graph").mkdir(parents=True)
    broken = tmp_path / "src/graphdaemon/graph/_compiled.c"
    broken.write_text("#error headers are missing\n")
    for name in ("_csv.c", "_id_set.c"):
        broken.with_name(name).write_text("")
    assert compile_part(tmp_path, tmp_path / "part.so") is None

    monkeypatch.setenv("GRAPHDAEMON_COMPILE", "0")
    assert compile_part(ROOT, tmp_path / "part.so") is None
