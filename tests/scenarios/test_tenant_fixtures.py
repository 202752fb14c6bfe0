"""What the page on testing a program shows, and its example, run as their readers run them."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.places import DOCS, ROOT
from tests.support.run_command import clean_environment

PAGE = (DOCS / "how-to/test-your-program.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "5-Test-Your-Program"


def run_pytest(folder: Path) -> str:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean_environment(),
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_pages_project_runs_as_it_stands(tmp_path: Path) -> None:
    """Each block with a file's name becomes that file; no block is without a name."""
    blocks = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert len(blocks) == PAGE.count("```python") == 6
    for name, text in blocks:
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert "10 passed" in run_pytest(tmp_path)


def test_the_examples_tests_pass(tmp_path: Path) -> None:
    for path in EXAMPLE.glob("*.py"):
        (tmp_path / path.name).write_bytes(path.read_bytes())

    assert "6 passed" in run_pytest(tmp_path)
