"""Every place that makes, changes or removes a file is known, and so is what it makes."""

from __future__ import annotations

import ast
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.cache_file import FileBackend
from graphdaemon.graph.throttling.ledger import FileLedger
from graphdaemon.listing.journal import Journal
from graphdaemon.listing.learned_cuts import LearnedCuts
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from graphdaemon.registration.desired import DesiredState
from graphdaemon.registration.local_files import LocalFiles
from graphdaemon.sharing.file_lock import hold_lock
from graphdaemon.sharing.private_files import create_file, replace_private
from graphdaemon.sync.feed_file import append_lines
from tests.support.control_api import post
from tests.support.emulator_probe import Probe
from tests.support.graph_answers import raw
from tests.support.output_records import write_file
from tests.support.places import ROOT

# Calls that make, change, replace or remove a file, by the last part of their name. `open` counts
# where it may write; `replace` where it has one argument, since texts are replaced with two.
WRITING = {
    *("chmod", "chown", "fchmod", "hardlink_to", "link", "mkdir", "mkdtemp", "mkfifo", "mkstemp"),
    *("removedirs", "rename", "renames", "rmdir", "rmtree", "symlink_to", "touch", "truncate"),
    *("unlink", "write_bytes", "write_text", "NamedTemporaryFile", "TemporaryDirectory"),
    *("TemporaryFile", "copyfile", "copytree", "copy2", "remove_tree"),
}

PLACES = {
    # One way to make and replace files, of each program.
    "graphdaemon/sharing/draft.py": "open link replace rename unlink",
    "graphdaemon/sharing/private_files.py": "open mkdir fchmod",
    "entra_emulator/private_files.py": "open replace unlink chmod",
    # Over a descriptor that those opened.
    "graphdaemon/listing/journal.py": "truncate unlink",
    "graphdaemon/output/atomic_file.py": "open chmod",
    # A new key takes the access of the old one, and its place.
    "graphdaemon/registration/rotation.py": "chmod chown replace",
    # What an earlier run wrote, by its content.
    "graphdaemon/registration/local_files.py": "unlink",
    # A key that was made a moment ago, whose certificate could not be.
    "graphdaemon/cli/commands/certificate.py": "unlink",
    # The null device, in the place of an output that has failed.
    "graphdaemon/cli/terminal.py": "open",
    # The emulator's folder, which is locked, and what it recognises in it.
    "entra_emulator/content/data_folder.py": "mkdir open replace",
    "entra_emulator/control/snapshots.py": "mkdir replace unlink",
    "entra_emulator/server/open_directory.py": "TemporaryDirectory",
    "entra_emulator/server/shared_parts.py": "TemporaryDirectory",
    # A recording takes the place of an earlier one, which is known by its first line.
    "entra_emulator/traffic/recording/recorder.py": "open replace",
    "entra_emulator/traffic/recording/recorded_directory.py": "TemporaryDirectory write_bytes",
    # The folder of a run and what is bound over the system's files, of names that nobody foresees.
    "entra_emulator/exec/namespace_files.py": "mkdir",
    "entra_emulator/exec/proxy_run.py": "mkdir",
    "entra_emulator/exec/keeper.py": "rmtree",
    # The kernel's table of the users of a namespace.
    "entra_emulator/exec/supervisor.py": "open",
}
"""The modules that make, change or remove files, and by which calls."""


def list_writing_calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
            if (
                name in WRITING
                or (name == "replace" and is_path_replaced(node))
                or (name == "open" and may_write(node))
            ):
                yield name


def is_path_replaced(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and len(node.args) == 1 and not node.keywords


def may_write(node: ast.Call) -> bool:
    """Whether a call of `open` has flags, or a mode that writes."""
    texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    modes = [text for text in texts if isinstance(text, str) and set(text) & set("wax+")]
    flags = [part for part in ast.walk(node) if isinstance(part, ast.Attribute | ast.Name)]
    names = {getattr(part, "attr", getattr(part, "id", "")) for part in flags}
    return (
        bool(names & {"O_WRONLY", "O_RDWR", "O_CREAT"})
        or any(len(mode) <= 3 and set(mode) <= set("rwxabt+") for mode in modes)
        or bool(names & {"flags"})
    )


def test_every_place_that_writes_files_is_known() -> None:
    """A new one is looked at: what it may replace, whose file it is, and who may read it."""
    calls = {
        str(path.relative_to(ROOT / "src")): set(list_writing_calls(path))
        for path in sorted((ROOT / "src").rglob("*.py"))
    }

    assert {name: found for name, found in calls.items() if found} == {
        name: set(words.split()) for name, words in PLACES.items()
    }


class Made(NamedTuple):
    """How a file is made below a folder, which one it is, and its mode where the umask is 0."""

    make: Callable[[Path], object]
    name: str
    mode: int = 0o600


def make_journal(folder: Path) -> None:
    journal = Journal(folder / "journal", {})
    journal.begin(None)
    journal.close()


def make_cuts(folder: Path) -> None:
    learned = LearnedCuts(folder / "cuts", "k", 100)
    learned.note([raw({"k": "x"})] * 100)
    learned.save(100)


def hold(folder: Path) -> None:
    with hold_lock(folder / "lock", 0, "busy"):
        pass


def make_settings(folder: Path) -> None:
    LocalFiles(folder / "parameters.json", DesiredState("app")).write({"client_id": "c"})


def make_key(folder: Path) -> None:
    create_file(folder / "app.pem", b"key")
    create_file(folder / "app.crt", b"certificate", mode=0o666)


def make_scratch(folder: Path) -> None:
    """A listing that is sorted into a file: its records wait beside it."""
    with Sink(OutputSpec("csv", ("id",), file=folder / "out", sort="id"), None) as sink:
        sink.write([msgspec.Raw(b'{"id":"1"}')])
        sink.finish()


WRITERS = {
    "journal": Made(make_journal, "journal"),
    "learned cuts": Made(make_cuts, "cuts"),
    "budget": Made(lambda folder: FileLedger(folder / "budget"), "budget"),
    "cache entry": Made(lambda folder: FileBackend(folder, 1).write("entry", b"gdt1", 1), "entry"),
    "lock": Made(hold, "lock"),
    "settings": Made(make_settings, "parameters.json"),
    "key": Made(make_key, "app.pem"),
    "certificate": Made(make_key, "app.crt", 0o666),
    "rotation": Made(lambda folder: replace_private(folder / "app.pem.new", b"key"), "app.pem.new"),
    "output": Made(
        lambda folder: write_file(OutputSpec("ndjson", file=folder / "out"), {"id": "1"}),
        "out",
        0o666,
    ),
    "sorted output": Made(make_scratch, "out", 0o666),
    "change feed": Made(
        lambda folder: append_lines(folder / "changes.ndjson", b'{"tenant":"t"}\n'),
        "changes.ndjson",
        0o600,
    ),
}


@pytest.mark.parametrize("made", WRITERS.values(), ids=WRITERS)
def test_a_file_is_private_unless_it_is_an_output(tmp_path: Path, made: Made) -> None:
    """Whatever the umask; and what other users may have prepared in the folder is not followed."""
    victim, folder = tmp_path / "victim", tmp_path / "folder"
    folder.mkdir()
    victim.write_text("precious")
    for ending in ("draft", "new.draft", "tmp", "part", str(os.getpid())):
        (folder / f"{made.name}.{ending}").symlink_to(victim)
    umask = os.umask(0)
    try:
        made.make(folder)
    finally:
        os.umask(umask)

    path = folder / made.name
    assert stat.S_IMODE(path.stat().st_mode) == made.mode
    assert path.read_bytes() is not None
    assert victim.read_text() == "precious"


def test_the_emulators_files_are_private_but_for_what_clients_trust(
    launch: Callable[..., Probe], tmp_path: Path
) -> None:
    """In a folder that others may read, too."""
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    umask = os.umask(0)
    try:
        probe = launch(users=3, control=True)
        emulator: Emulator = probe.emulator
        emulator.keys.rotate()
        post(probe, "/snapshots/s")
    finally:
        os.umask(umask)

    modes = {
        str(path.relative_to(data)): stat.S_IMODE(path.stat().st_mode)
        for path in data.rglob("*")
        if path.is_file()
    }
    assert modes.pop("ca.pem") == 0o644
    assert modes.keys() >= {
        *("ca-key.pem", "directory.sqlite", "signing-keys.pem", "snapshots/s.sqlite"),
    }
    assert set(modes.values()) == {0o600}, modes
