"""`graphdaemon quickstart`: Microsoft's quickstart, step by step, on a pretend tenant."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from graphdaemon.cli import terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import FolderName
from graphdaemon.cli.quickstart_words import WORDS
from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import OutputError, UsageError
from graphdaemon.output.formats import FORMATS
from graphdaemon.sharing.private_files import make_private_folder

if TYPE_CHECKING:
    from entra_emulator import Emulator

# Where `graphdaemon emulator serve` listens too, so that the settings stay good.
_PORT = 8443


@click.command(cls=StrictCommand)
@click.option("--users", default=250, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same users.")
@click.option(
    "--format",
    "-f",
    "format_",
    type=click.Choice(FORMATS),
    help="Print all users in this format. By default, they are printed as JSON or, on a terminal, "
    "the first few as a table.",
)
@click.option(
    "--folder",
    default=".graphdaemon",
    show_default=True,
    type=FolderName(),
    help="The folder for the tenant and its settings.",
)
@click.option(
    "--keep", is_flag=True, help="Keep the tenant running, and print the address of its portal."
)
@click.option(
    "--step", is_flag=True, help="Wait for the Enter key between the steps (on a terminal)."
)
@click.option(
    "--lang",
    type=click.Choice(list(WORDS)),
    default="en",
    help="The language of the steps: en or pt.",
)
@click.option(
    "--verbose", "-v", count=True, help="Report each step; give the option twice to see everything."
)
@click.pass_context
def quickstart(
    context: click.Context,
    *,
    users: int,
    seed: int,
    format_: str | None,
    folder: Path,
    keep: bool,
    step: bool,
    lang: str,
    verbose: int,
) -> None:
    """
    Show the whole job on a pretend tenant.

    It registers an app, meets the 403, grants consent and lists the users, all within this process
    and without the internet. The steps are described on stderr, and the users go to stdout:
    `graphdaemon quickstart | jq .value`.
    """
    terminal.configure_log(verbose)
    started = time.monotonic()
    # First, since it says what to install where the rest would only fail.
    load_emulator()
    from graphdaemon.cli.quickstart_walk import Walk

    words = WORDS[lang]
    if (folder / "tenant").exists():
        _refuse_amounts(context, folder)
    wait = step and sys.stdin.isatty() and terminal.is_speech_shown()
    with _serving(folder, users=users, seed=seed) as emulator:
        walk = Walk(emulator, folder, words, wait=wait)
        listed = walk.run(format_, terminal.open_output())
        seconds = time.monotonic() - started
        terminal.say(words.done.format(count=listed, seconds=seconds))
        walk.say_next(keep=keep)
        if keep:
            _wait_for_interrupt()
            terminal.say(words.ended)


def load_emulator() -> "type[Emulator]":
    """The emulator, which is an extra."""
    try:
        from entra_emulator import Emulator
    except ModuleNotFoundError as error:
        raise click.UsageError(
            f"The pretend tenant is not installed ({error.name} is missing). "
            "Try: pip install 'graphdaemon[emulator]'"
        ) from None
    return Emulator


def _refuse_amounts(context: click.Context, folder: Path) -> None:
    """Refuse what says how to seed a tenant that is there already."""
    for name in ("users", "seed"):
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise UsageError(
                f"--{name}: there is already a tenant in {folder}, from an earlier quickstart",
                code="option_invalid",
                hint=f"Remove the folder {folder}, or name another one with --folder.",
            )


@contextmanager
def _serving(folder: Path, *, users: int, seed: int) -> "Iterator[Emulator]":
    """
    Serve the tenant that is in the folder, or a new one, for the length of the block.

    Raises:
        UsageError: Another process serves it, or the folder holds something else.
        OutputError: The folder cannot be used.
    """
    from entra_emulator.content.data_folder import FolderInUse

    try:
        make_private_folder(folder)
        emulator = _start(folder / "tenant", users=users, seed=seed)
    except (FolderInUse, ValueError) as error:
        raise UsageError(
            f"the tenant in {folder} cannot be used: {error}",
            code="option_invalid",
            hint="Stop the program that serves it, or name another folder with --folder.",
        ) from None
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be used: {error.strerror}",
            code="output_failed",
            hint=advise(error.errno, "name another folder with --folder"),
        ) from None
    try:
        yield emulator
    finally:
        emulator.stop()


def _start(data: Path, *, users: int, seed: int) -> "Emulator":
    """Start the tenant at its usual port, or where another program has that at any free one."""
    from entra_emulator.server.listen import PortInUse

    make = load_emulator()
    try:
        return make(users=users, seed=seed, data=data, port=_PORT).start()
    except PortInUse:
        return make(users=users, seed=seed, data=data).start()


def _wait_for_interrupt() -> None:
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        return
