"""The wheel, built once, and the program that makes environments."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.shipped_package import BIN, run


@pytest.fixture(scope="session")
def uv() -> str:
    places = [Path(sys.executable).parent, ROOT / ".venv" / BIN]
    found = shutil.which("uv", path=os.pathsep.join([*map(str, places), os.environ["PATH"]]))
    assert found, "`make` puts uv into .venv"
    return found


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    (built,) = folder.glob("*.whl")
    return built
