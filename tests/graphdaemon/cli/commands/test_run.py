"""`graphdaemon run`: what it refuses before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.run_command import Command, WriteParameters


@pytest.mark.parametrize("text", ["0s", "never", "soon", "5"])
def test_an_interval_that_is_none_is_refused(
    command: Command, parameters: WriteParameters, text: str
) -> None:
    done = command("run", parameters(), "--every", text)

    assert done.code == 2
    assert f"--every {text} is not a length of time" in done.err
    assert "Write a time such as 5m, 30s or 1h." in done.err


def test_a_file_and_a_folder_are_not_taken_together(
    command: Command, parameters: WriteParameters
) -> None:
    file = parameters()
    done = command("run", file, "--tenants", file.parent)

    assert done.code == 2
    assert "is the settings file of one tenant" in done.err


def test_settings_that_cannot_be_used_are_said_at_once(
    command: Command, parameters: WriteParameters
) -> None:
    done = command("run", parameters(secret=None))

    assert done.code == 3


def test_a_folder_of_one_broken_file_is_said_at_once(command: Command) -> None:
    folder = Path("tenants")
    folder.mkdir()
    (folder / "a.json").write_text("{")

    done = command("run", "--tenants", folder)

    assert done.code == 3
    assert "a.json is not JSON" in done.err


def test_a_store_that_cannot_be_used_is_said_at_once(
    command: Command, parameters: WriteParameters
) -> None:
    done = command("run", parameters(), "--store", "sqlite:absent/folder.db")

    assert done.code == 7
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--listen", "nowhere"), "is not an address"),
        (("--listen", "0.0.0.0:9464"), "can be reached from other machines"),
        (("--allow-remote",), "work only together with --listen"),
        (("--allow-host", "status.contoso.example"), "work only together with --listen"),
        (("--log", "xml"), "--log"),
    ],
)
def test_what_cannot_be_watched_so_is_refused_before_anything_begins(
    command: Command, parameters: WriteParameters, arguments: tuple[str, ...], words: str
) -> None:
    done = command("run", parameters(), *arguments)

    assert done.code == 2
    assert words in done.err
