"""A file in the making: whole in its place, or nowhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from graphdaemon.sharing.draft import Draft

WRITE = """
import sys
from pathlib import Path
from graphdaemon.sharing.draft import Draft
draft = Draft(Path(sys.argv[1]), 0o600)
draft.write(b"x" * 1000)
print(flush=True)
sys.stdin.read()
"""


def test_a_draft_is_seen_by_nobody_until_it_is_in_place(tmp_path: Path) -> None:
    """What stood there stays until then."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with Draft(path, 0o600) as draft:
        draft.write(b"ne")
        draft.write(b"w")
        assert path.read_bytes() == b"old"
        draft.place()

    assert path.read_bytes() == b"new"
    assert [path] == list(tmp_path.iterdir())


def test_a_draft_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    """Whatever went wrong in between."""

    def give_up() -> None:
        with Draft(tmp_path / "file", 0o600) as draft:
            draft.write(b"secret")
            raise KeyError

    with pytest.raises(KeyError):
        give_up()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no files without a name")
def test_a_draft_of_a_process_that_was_killed_leaves_nothing(tmp_path: Path) -> None:
    """It never had a name."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITE, str(tmp_path / "file")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        writer.kill()

    assert list(tmp_path.iterdir()) == []


def test_a_draft_that_is_not_to_replace_anything_does_not(tmp_path: Path) -> None:
    """The file may have come since one looked."""
    path = tmp_path / "file"
    with Draft(path, 0o600) as draft:
        draft.write(b"ours")
        path.write_bytes(b"theirs")
        with pytest.raises(FileExistsError):
            draft.place(replace=False)

    assert path.read_bytes() == b"theirs"
    assert [path] == list(tmp_path.iterdir())


def test_a_link_in_its_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Whoever wants a link followed says where it leads."""
    path, victim = tmp_path / "file", tmp_path / "victim"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)

    with Draft(path, 0o600) as draft:
        draft.write(b"ours")
        draft.place()

    assert (path.read_bytes(), victim.read_bytes()) == (b"ours", b"precious")
    assert not path.is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not list them there")
def test_descriptors_are_closed(tmp_path: Path) -> None:
    """In place or given up."""
    before = len(list(Path("/proc/self/fd").iterdir()))

    for done in (True, False):
        with Draft(tmp_path / "file", 0o600) as draft:
            if done:
                draft.place()

    assert len(list(Path("/proc/self/fd").iterdir())) == before
