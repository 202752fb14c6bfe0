"""No command writes a file that it was also given for something else."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest

from graphdaemon.cli import cli
from graphdaemon.cli.named_files import FileName, FolderName, name_parameter
from graphdaemon.settings.credentials import KINDS
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.table import SETTINGS
from tests.support.foreign_files import look_at
from tests.support.run_command import Command, WriteParameters, clean_environment
from tests.support.scripted_server import ScriptedServer

PATH_WORDS = re.compile(r"\b(file|folder|parameters)\b", re.IGNORECASE)
"""What the metavar or the beginning of the help of a parameter says that is a path."""

ANSWERS = {"collection": "users", "path": "users/x", "method": "GET", "url": "users"}
"""What other arguments of a command are given."""


def list_commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""

    def walk(words: tuple[str, ...], command: click.Command) -> Iterator[Any]:
        if not isinstance(command, click.Group):
            yield words, command
            return
        context = click.Context(command, info_name=command.name)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from walk((*words, name), inner)

    yield from walk((), cli)


COMMANDS = dict(list_commands())


def is_called_a_path(parameter: click.Parameter) -> bool:
    """Whether its metavar is that of a file, or its help begins with one."""
    beginning = (getattr(parameter, "help", None) or "").split(",")[0].split(".")[0]
    return bool(
        PATH_WORDS.search(parameter.metavar or "") or re.match(r"(File|Folder)\b", beginning)
    )


# May be something else than a file; the command has them compared once it knows, as tests show.
MIXED = {(("sync",), "words"), (("sync",), "feed"), (("run",), "words")}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_path_of_a_command_is_known_as_read_or_written(words: tuple[str, ...]) -> None:
    """A new option that is a path has the type that has it compared with all others."""
    for parameter in COMMANDS[words].params:
        is_path = isinstance(parameter.type, click.Path | click.File)
        assert is_path == isinstance(parameter.type, FileName | FolderName), parameter.name
        is_known = (words, parameter.name) in MIXED
        assert is_path or is_known or not is_called_a_path(parameter), parameter.name


def test_the_files_among_what_sync_takes_are_compared_like_any_other(
    command: Command, parameters: WriteParameters
) -> None:
    """Only what it is says which of the words it is; the other words name collections."""
    file = parameters()
    for option in ("--proof", "--feed"):
        done = command("sync", file, "users", option, file)
        assert done.code == 2
        assert "are the same file" in done.err
    assert file.read_text().startswith("{")


class Pair(NamedTuple):
    words: tuple[str, ...]
    one: click.Parameter
    other: click.Parameter

    def __str__(self) -> str:
        return f"{' '.join(self.words)} {self.one.name} {self.other.name}"


def list_pairs() -> Iterator[Pair]:
    for words, command in COMMANDS.items():
        paths = [one for one in command.params if isinstance(one.type, FileName)]
        for one, other in itertools.combinations(paths, 2):
            assert isinstance(one.type, FileName)
            assert isinstance(other.type, FileName)
            if one.type.written or other.type.written:
                yield Pair(words, one, other)


PAIRS = list(list_pairs())


def write_line(pair: Pair, first: Path, second: Path) -> list[str]:
    """A command line that gives the one parameter the first path and the other the second."""
    command, paths = COMMANDS[pair.words], {pair.one.name: first, pair.other.name: second}
    line = list(pair.words)
    for parameter in command.params:
        value: object = paths.get(parameter.name)
        if isinstance(parameter, click.Argument):
            value = value or ANSWERS.get(parameter.name or "")
            line += [str(value)] if value else []
        elif value:
            line += [max(parameter.opts, key=len), str(value)]
    return line


def test_there_are_pairs_to_compare() -> None:
    """Commands are found, and their paths."""
    assert len(COMMANDS) > 15
    assert len(PAIRS) > 15


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_a_file_that_is_written_has_one_name_in_a_command_line(
    command: Command, pair: Pair, tmp_path: Path
) -> None:
    """One sentence names both; the file is as it was."""
    path = tmp_path / "file.json"
    path.write_text("precious")
    before = look_at(path)

    outcome = command(*write_line(pair, path, path))

    context = click.Context(COMMANDS[pair.words])
    labels = [name_parameter(context, one) for one in (pair.one, pair.other)]
    assert outcome.code == 2, outcome.err
    assert re.match(r"Error: .+ and .+ are the same file: .*\n", outcome.err)
    assert all(label in outcome.err for label in labels)
    assert "Try: Name another file for one of them." in outcome.err
    assert look_at(path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "file.json"]


def link(one: Path, other: Path) -> None:
    one.write_text("precious")
    other.symlink_to(one)


def hard_link(one: Path, other: Path) -> None:
    one.write_text("precious")
    other.hardlink_to(one)


def link_to_nothing(one: Path, other: Path) -> None:
    other.symlink_to(one)


SAME = {
    "a link": ("a.json", "b.json", link),
    "a hard link": ("a.json", "b.json", hard_link),
    "a link to what is yet to be made": ("a.json", "b.json", link_to_nothing),
    "a way round": ("a.json", "x/../a.json", lambda _, other: other.parent.parent.mkdir()),
    "yet to be made": ("a.json", "a.json", lambda *_: None),
    "by case": ("a.json", "A.json", lambda *_: None),
    "by accent": ("\u00e9.json", "e\u0301.json", lambda *_: None),
}


@pytest.mark.parametrize(("one", "other", "make"), SAME.values(), ids=SAME)
def test_one_file_by_two_names_is_one(
    command: Command,
    scripted: ScriptedServer,
    tmp_path: Path,
    one: str,
    other: str,
    make: Any,
) -> None:
    """Links are resolved; what is yet to be made may meet on a file system without case."""
    folder = tmp_path / "folder"
    (folder / "x").mkdir(parents=True)
    first, second = folder / one, Path(f"{folder}/{other}")
    if other != "x/../a.json":
        make(first, second)

    outcome = command("users", scripted.write_parameters(tmp_path), "-o", first, "--proof", second)

    assert outcome.code == 2
    assert "--output and --proof are the same file" in outcome.err
    assert scripted.requests == []


def test_files_that_differ_are_none(command: Command, parameters: WriteParameters) -> None:
    """Two names, two files; a device is nobody's, and read twice a file is only read."""
    folder = parameters().parent / "outputs"
    folder.mkdir()
    (folder / "users.json").write_text("old")
    line = ("users", parameters(), "-o", folder / "users.json", "--proof", folder / "proof.json")

    assert command(*line, "--resume", folder / "journal").code == 0
    assert command(*line).code == 0
    assert command("users", parameters(), "-o", "/dev/null", "--proof", "/dev/null").code == 0


FILE_SETTINGS = [row.name for row in SETTINGS if row.form == "file"]


@pytest.mark.parametrize("name", FILE_SETTINGS)
def test_every_file_that_the_settings_name_is_known(
    scripted: ScriptedServer, tmp_path: Path, name: str
) -> None:
    """A new setting that is a file is compared by itself."""
    is_credential = any(name in kind.keys for kind in KINDS.values())
    values = scripted.settings() | {name: str(tmp_path / "named")}
    if is_credential:
        values.pop("secret")
    if name in {"passphrase_file", "certificate_file"}:
        values.pop("secret", None)
        values["private_key_file"] = str(tmp_path / "key.pem")
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(values))

    files = dict(read_settings(path, {}).files)

    assert files["the settings file"] == path
    assert files[f"{name} (parameters.json)"] == tmp_path / "named"


def test_the_files_of_several_credentials_are_known(
    scripted: ScriptedServer, tmp_path: Path
) -> None:
    values = scripted.settings(
        secret=None, credentials=[{"secret_file": "a"}, {"private_key_file": "b"}]
    )
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps({name: one for name, one in values.items() if one is not None}))

    files = read_settings(path, {}).files

    named = {label: place.name for label, place in files if "credentials" in label}
    assert named == {
        "secret_file (credentials in parameters.json)": "a",
        "private_key_file (credentials in parameters.json)": "b",
    }


@pytest.mark.parametrize("option", ["--output", "--proof", "--resume"])
@pytest.mark.parametrize("name", ["secret_file", "ca_file", "budget_file", ""])
def test_an_output_does_not_replace_what_the_settings_name(
    command: Command, scripted: ScriptedServer, tmp_path: Path, option: str, name: str
) -> None:
    """Nor the settings themselves, found without being named."""
    path, named = tmp_path / "elsewhere" / "parameters.json", tmp_path / "named"
    values = scripted.settings() | ({name: str(named)} if name else {})
    if name == "secret_file":
        values.pop("secret")
    named.write_bytes(scripted.ca_file.read_bytes() if name == "ca_file" else b"")
    path.write_text(json.dumps(values))
    path.chmod(0o600)
    target = named if name else path
    before = look_at(target)

    outcome = command("users", option, target)

    assert outcome.code == 2, outcome.err
    label = f"{name} (parameters.json)" if name else "the settings file"
    assert f"Error: {option} and {label} are the same file: {target}" in outcome.err
    assert look_at(target) == before
    assert scripted.requests == []


def test_a_rotation_does_not_replace_a_key_that_is_something_else_as_well(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    path, key = tmp_path / "parameters.json", tmp_path / "key.pem"
    key.write_text("a key, and an authority's certificate")
    values = scripted.settings() | {"private_key_file": str(key), "ca_file": str(key)}
    values.pop("secret")
    path.write_text(json.dumps(values))
    before = look_at(key)

    outcome = command("certificate", "rotate", path)

    assert outcome.code == 2
    assert "private_key_file (parameters.json)" in outcome.err
    assert "ca_file (parameters.json)" in outcome.err
    assert look_at(key) == before


@pytest.mark.parametrize(
    ("words", "label"),
    [
        (("certificate", "new", "--out", "key.crt"), "the .crt file beside --out"),
        (("register", "--output", "app.pem", "--tenant", "t"), "the .pem file beside --output"),
    ],
    ids=["certificate", "register"],
)
def test_a_file_that_is_made_beside_another_does_not_replace_it(
    command: Command, words: tuple[str, ...], label: str
) -> None:
    """The key would be lost at once."""
    outcome = command(*words)

    assert outcome.code == 2
    assert f"{label} are the same file" in outcome.err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("option", ["--proof", "--resume"])
@pytest.mark.parametrize("mode", ["wb", "ab"])
def test_what_the_shell_sends_standard_output_to_is_written_once(
    scripted: ScriptedServer, tmp_path: Path, option: str, mode: str
) -> None:
    """`users --resume users.json > users.json` would remove its own output in the end."""
    path = tmp_path / "users.json"
    line = ["users", str(scripted.write_parameters(tmp_path)), option, str(path)]
    with path.open(mode) as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "graphdaemon", *line],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=clean_environment(),
            timeout=60,
        )

    assert done.returncode == 2, done.stderr
    assert f"{option} and standard output are the same file: {path}" in done.stderr
    assert path.exists()


def test_the_body_of_a_request_is_not_replaced_by_its_answer(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    body = tmp_path / "body.json"
    body.write_text("{}")

    outcome = command(
        "request", "POST", "users", scripted.write_parameters(tmp_path), "--body", body, "-o", body
    )

    assert outcome.code == 2
    assert "--body and --output are the same file" in outcome.err
    assert body.read_text() == "{}"


def test_standard_output_may_be_named(
    scripted: ScriptedServer, parameters: WriteParameters, tmp_path: Path
) -> None:
    """`-o -` is no file called `-`, and /dev/stdout is written on at its end."""
    log = tmp_path / "log"
    log.write_text("before\n")
    line = ["users", str(parameters()), "-f", "ndjson", "-o"]
    with log.open("ab") as stdout:
        for more in (["-", "--limit", "1"], ["users.ndjson", "--proof", "/dev/stdout"]):
            subprocess.run(
                [sys.executable, "-m", "graphdaemon", *line, *more],
                stdout=stdout,
                check=True,
                cwd=tmp_path,
                env=clean_environment(),
                timeout=60,
            )

    first, user, *proof = log.read_text().splitlines()
    assert first == "before"
    assert "id" in json.loads(user)
    assert json.loads("\n".join(proof))["verdict"] == "complete"
    assert not os.path.lexists(tmp_path / "-")
