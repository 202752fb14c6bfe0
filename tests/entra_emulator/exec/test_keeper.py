"""What a killed run would leave behind is ended by the process that stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from secrets import token_hex

import pytest

from entra_emulator.exec import keeper
from tests.support.exec_run import list_marked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")

FAMILY = "sleep 1000 & (setsid sleep 1000 & echo) & wait"


def start(mark: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        ["sh", "-c", FAMILY], env={"RUN": mark, "PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


@pytest.mark.parametrize("is_known", [True, False])
def test_every_process_and_file_of_a_run_goes(tmp_path: Path, is_known: bool) -> None:
    """By their parent, or by the mark among their variables where the parent has gone before."""
    mark, other = token_hex(8), token_hex(8)
    folder = tmp_path / "of the run"
    folder.mkdir()
    (folder / "file").touch()
    process, stranger = start(mark), start(other)
    lines = [f"run RUN={mark}", f"folder {folder}", f"process {process.pid}"]
    if not is_known:
        process.kill()
        process.wait()
        lines.append(f"ended {process.pid}")

    subprocess.run(
        [sys.executable, "-I", "-S", keeper.__file__],
        input="".join(f"{line}\n" for line in lines),
        text=True,
        check=True,
    )

    process.wait()
    assert list_marked(mark) == set()
    assert not folder.exists()
    assert len(list_marked(other)) == 3, "what is not of the run lives"
    keeper.clean_up([f"process {stranger.pid}\n", f"run RUN={other}\n"])
    stranger.wait()
    for one in (process, stranger):
        assert one.stdout is not None
        one.stdout.close()


def test_descendants_are_listed_parents_first() -> None:
    process = start(token_hex(8))

    descendants = keeper.list_descendants(process.pid)

    keeper.end_family(process.pid)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert len(descendants) >= 1
    assert process.pid not in descendants
