from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from graphdaemon.errors import OutputError, UsageError
from graphdaemon.output.atomic_file import AtomicFile, open_scratch
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from tests.support.foreign_files import FOREIGN, look_at
from tests.support.full_disk import no_file_larger_than
from tests.support.output_records import (
    COLUMNS,
    ROWS,
    at,
    ndjson,
    records,
    write_file,
)


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    """Until then what was there stays, and afterwards nothing else is left."""
    path = tmp_path / "users.ndjson"
    path.write_text("yesterday's")

    with Sink(OutputSpec("ndjson", file=path), None) as sink:
        sink.write(records(*ROWS))
        assert path.read_text() == "yesterday's"
        sink.finish()
        assert path.read_bytes() == ndjson(ROWS)

    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_umasks_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    """As a shell's redirection would have it."""
    path = tmp_path / "users"
    before = os.umask(0o027)
    try:
        write_file(OutputSpec("ndjson", file=path), *ROWS)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write_file(OutputSpec("ndjson", file=path), *ROWS)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(before)


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    """The link stays a link; what it points to is replaced."""
    (tmp_path / "real").write_text("old")
    link = tmp_path / "link"
    link.symlink_to("real")

    write_file(OutputSpec("ndjson", file=link), *ROWS)

    assert link.is_symlink()
    assert (tmp_path / "real").read_bytes() == ndjson(ROWS)


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """`--output /dev/null` must not replace the device by a file."""
    with Sink(OutputSpec("ndjson", file=Path("/dev/null")), None) as sink:
        sink.write(records(*ROWS))
        assert not sink.can_correct
        sink.finish()

    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_what_the_shell_has_opened_is_written_on_at_its_end(tmp_path: Path) -> None:
    """`-o /dev/stdout >> log` must not lose the log."""
    log = tmp_path / "log"
    log.write_bytes(b"before\n")
    program = (
        "from pathlib import Path\n"
        "from graphdaemon.output.atomic_file import AtomicFile\n"
        "file = AtomicFile(Path('/dev/stdout'))\n"
        "file.write(b'after\\n')\n"
        "file.commit()\n"
        "print(file.is_direct)\n"
    )
    with log.open("ab") as stdout:
        subprocess.run([sys.executable, "-c", program], stdout=stdout, check=True)

    assert log.read_bytes() == b"before\nafter\nTrue\n"


def test_a_file_that_nobody_may_write_to_stays(tmp_path: Path) -> None:
    """Its folder would let it be replaced; a shell's redirection would not."""
    path = tmp_path / "users"
    path.write_bytes(b"precious")
    path.chmod(0o444)

    with pytest.raises(OutputError, match="may not be written to") as caught:
        AtomicFile(path)

    assert caught.value.exit_code == 7
    assert path.read_bytes() == b"precious"
    assert [path] == list(tmp_path.iterdir())


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    """Before anything is read from anywhere."""
    with pytest.raises(OutputError, match=f"there is no folder {tmp_path / 'nowhere'}"):
        AtomicFile(tmp_path / "nowhere" / "users")


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """Whoever reads it gets the records as they come."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["cat", str(path)], stdout=subprocess.PIPE) as reader:
        write_file(OutputSpec("ndjson", file=path), *ROWS)
        assert reader.stdout is not None
        assert reader.stdout.read() == ndjson(ROWS)

    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("name", [name for name in FOREIGN if name != "link"])
def test_a_file_of_another_kind_stays_where_a_beginning_is_asked_for(
    tmp_path: Path, name: str
) -> None:
    """A listing record takes the place of nothing but a listing record."""
    path = tmp_path / "proof"
    FOREIGN[name](path)
    before = look_at(path)

    with pytest.raises(UsageError, match="another kind of file") as caught:
        AtomicFile(path, beginning=b'{"collection":')

    assert caught.value.code == "file_foreign"
    assert look_at(path) == before
    assert [path] == list(tmp_path.iterdir())


def test_a_folder_that_vanishes_meanwhile_is_an_error(tmp_path: Path) -> None:
    """What cannot be put in its place is said, and nothing is left open."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with Sink(OutputSpec("ndjson", file=folder / "users"), None) as sink:
        sink.write(records(*ROWS))
        folder.rmdir()
        with pytest.raises(OutputError, match="could not be written"):
            sink.finish()

    assert list(tmp_path.iterdir()) == []


PLANS = [
    OutputSpec("json", COLUMNS),
    OutputSpec("ndjson", COLUMNS),
    OutputSpec("csv", COLUMNS),
    OutputSpec("table", COLUMNS),
    OutputSpec("ndjson", COLUMNS, compress="gzip"),
    OutputSpec("ndjson", COLUMNS, sort="displayName"),
    OutputSpec("csv", COLUMNS, hold=True, query="[?id != '1']"),
    OutputSpec("parquet", COLUMNS),
]


@pytest.mark.parametrize("spec", PLANS, ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_a_file_is_whole_or_absent_wherever_writing_fails(
    tmp_path: Path, spec: OutputSpec, seed: int
) -> None:
    """The room ends at a random byte: the file is as it should be, or there is none."""
    if spec.format == "parquet":
        pytest.importorskip("pyarrow")
    path, good = tmp_path / "users", tmp_path / "good"
    corrections = {"3": None, "4": records({"id": "4", "displayName": "Bo"})[0]}
    given_ = corrections if seed % 2 else None
    write_file(at(spec, good), *ROWS, corrections=given_)
    whole = good.read_bytes()
    good.unlink()
    room = random.Random(seed).randrange(int(len(whole) * 1.2))

    with no_file_larger_than(room):
        try:
            write_file(at(spec, path), *ROWS, corrections=given_)
        except OutputError as caught:
            code = caught.code
        else:
            code = ""

    if code:
        assert code == "output_failed"
        assert list(tmp_path.iterdir()) == []
    else:
        assert path.read_bytes() == whole


_WRITE_FOREVER = """
import sys
from pathlib import Path
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
import msgspec

with Sink(OutputSpec(sys.argv[1], ("id",), file=Path(sys.argv[2])), None) as sink:
    for number in range(300):
        sink.write([msgspec.Raw(b'{"id":"%d"}' % (number * 100 + n)) for n in range(100)])
        if not number:
            print(flush=True)
    sink.finish()
"""


@pytest.mark.parametrize("name", ["ndjson", "csv"])
def test_a_file_is_whole_or_absent_when_the_process_is_killed(tmp_path: Path, name: str) -> None:
    """kill -9 at a random moment: 30,000 lines, or no file; and no part of one on this system."""
    path = tmp_path / "users"
    lines = 30_000 + (name == "csv")
    for delay in [0, 0.02, 0.1]:
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITE_FOREVER, name, str(path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()

        if path.exists():
            assert len(path.read_bytes().splitlines()) == lines
            path.unlink()
        assert list(tmp_path.iterdir()) == []


def test_a_full_temporary_file_is_named_by_its_folder(tmp_path: Path) -> None:
    """Its own name is nobody's choice, and it is gone when the error is read."""
    scratch = open_scratch(tmp_path)

    with (
        no_file_larger_than(10),
        pytest.raises(OutputError, match=f"a temporary file in {tmp_path} could not be written"),
    ):
        scratch.write(b"eleven bytes")

    scratch.discard()
    assert list(tmp_path.iterdir()) == []


def test_it_is_said_where_there_is_no_folder_for_temporary_files(tmp_path: Path) -> None:
    """As in a container that is read-only: nothing can be written to any folder."""
    code = (
        "import resource, sys; from graphdaemon.output.atomic_file import find_scratch_folder\n"
        "from graphdaemon.errors import OutputError\n"
        "if sys.argv[1:]: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "try: print(find_scratch_folder())\n"
        "except OutputError as error: print(error, error.hint)"
    )

    def run(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        ).stdout

    assert run() == f"{tmp_path}\n"
    assert "no folder for temporary files" in run("full")
    assert "Set TMPDIR" in run("full")
