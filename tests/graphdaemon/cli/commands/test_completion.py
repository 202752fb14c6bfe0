"""Shell completion, in the shells themselves."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graphdaemon.graph.catalog import CATALOG
from graphdaemon.output.formats import FORMATS
from tests.support.run_command import Command, clean_environment

BIN = Path(sys.executable).parent
COMMANDS = {"completion", "count", "get", "list", "request", "users"}
# What is typed, and what has to be among what is offered.
CASES = [
    ("graphdaemon ", COMMANDS),
    ("graphdaemon list ", {*CATALOG, "members"}),
    ("graphdaemon list gr", {"groups"}),
    ("graphdaemon count serviceP", {"servicePrincipals"}),
    ("graphdaemon users --format ", set(FORMATS)),
    ("graphdaemon list users --comp", {"--compress"}),
    ("graphdaemon list users --compress ", {"gzip", "zstd"}),
    ("graphdaemon list users --with m", {"manager", "memberOf"}),
    ("graphdaemon request ", {"GET", "POST", "DELETE"}),
    ("graphdaemon completion ", {"bash", "fish", "powershell", "zsh"}),
]
ENVIRONMENT = clean_environment() | {"PATH": f"{BIN}:{os.environ['PATH']}", "TERM": "dumb"}


def run(*command: str, **variables: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT | variables,
        timeout=300,
    )
    assert done.stderr == ""
    return done.stdout


def shell(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


@pytest.mark.parametrize(("typed", "wanted"), CASES)
def test_bash_completes(typed: str, wanted: set[str]) -> None:
    """bash's own function, called as the Tab key calls it."""
    words = typed.split(" ")
    script = (
        'eval "$(graphdaemon completion bash)"\n'
        f"COMP_WORDS=({' '.join(words[:-1])} '{words[-1]}') COMP_CWORD={len(words) - 1}\n"
        "_graphdaemon_completion graphdaemon\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )

    assert wanted <= set(run(shell("bash"), "--norc", "-c", script).split())


@pytest.mark.parametrize(("typed", "wanted"), CASES)
def test_fish_completes(typed: str, wanted: set[str]) -> None:
    """What fish would list below the line."""
    script = f"graphdaemon completion fish | source; complete -C '{typed}'"

    lines = run(shell("fish"), "--no-config", "-c", script).splitlines()
    assert wanted <= {line.partition("\t")[0] for line in lines}


@pytest.mark.parametrize("typed", ["graphdaemon users some-", "graphdaemon users -o some-"])
def test_fish_and_bash_complete_file_names(typed: str, tmp_path: Path) -> None:
    """fish by itself; bash is told to do what it does by itself."""
    (tmp_path / "some-settings.json").touch()
    script = f"cd {tmp_path}; graphdaemon completion fish | source; complete -C '{typed}'"
    assert "some-settings.json" in run(shell("fish"), "--no-config", "-c", script)

    words = typed.split(" ")
    script = (
        'eval "$(graphdaemon completion bash)"\ncompopt() { echo "its own way"; }\n'
        f"COMP_WORDS=({' '.join(words)}) COMP_CWORD={len(words) - 1}\n"
        "_graphdaemon_completion graphdaemon\n"
    )
    assert "its own way" in run(shell("bash"), "--norc", "-c", script)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("graphdaemon cou\t", "count"),
        ("graphdaemon list gr\t", "groups"),
        ("graphdaemon users --format pa\t", "parquet"),
        ("graphdaemon list users --comp\t", "--compress"),
        ("graphdaemon users some-set\t", "some-settings.json"),
    ],
)
def test_zsh_completes(typed: str, completed: str, tmp_path: Path) -> None:
    """The line itself grows when Tab is pressed in an interactive zsh."""
    path = shell("zsh")
    (tmp_path / "some-settings.json").touch()
    (tmp_path / ".zshrc").write_text(
        "PROMPT='ready> '\nautoload -Uz compinit && compinit -u -D\n"
        'eval "$(graphdaemon completion zsh)"\nunsetopt zle_bracketed_paste\n'
        "TRAPALRM() { }\n"
    )
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        [path, "-i"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=tmp_path,
        env=ENVIRONMENT | {"ZDOTDIR": str(tmp_path)},
        start_new_session=True,
    ) as process:
        os.close(terminal)
        try:
            read_until(controller, "ready> ")
            os.write(controller, typed.encode())
            read_until(controller, completed)
        finally:
            process.kill()
    os.close(controller)


def read_until(terminal: int, text: str) -> None:
    """Read what the shell shows until ``text`` is in it."""
    seen, end = "", time.monotonic() + 30
    while text not in seen:
        assert time.monotonic() < end, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")


@pytest.mark.parametrize(("typed", "wanted"), CASES)
def test_powershell_is_told_the_same(typed: str, wanted: set[str]) -> None:
    """Type, value and tip, a line each, as the script that PowerShell runs takes them apart."""
    words = typed.split(" ")
    lines = run(
        str(BIN / "graphdaemon"),
        _GRAPHDAEMON_COMPLETE="powershell_complete",
        COMP_WORDS=typed,
        COMP_CWORD=str(len(words) - 1),
    ).splitlines()

    assert set(lines[::3]) == {"plain"}
    assert wanted <= set(lines[1::3])


@pytest.mark.parametrize("name", ["bash", "zsh", "fish", "powershell"])
def test_the_script_is_for_that_shell(name: str, command: Command) -> None:
    """It asks the program in that shell's own way."""
    outcome = command("completion", name)

    assert outcome.code == 0
    assert f"{name}_complete".encode() in outcome.out


def test_an_unknown_command_is_completed_by_nothing(command: Command) -> None:
    """Pressing Tab behind a typing error prints no error into the line."""
    script = (
        'eval "$(graphdaemon completion bash)"\n'
        "COMP_WORDS=(graphdaemon lisst '') COMP_CWORD=2\n_graphdaemon_completion graphdaemon"
    )

    assert run(shell("bash"), "--norc", "-c", script) == ""
