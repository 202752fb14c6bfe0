"""What the commands of the emulator share: the options of the tenant, and the progress line."""

from pathlib import Path

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.named_files import FileName
from graphdaemon.cli.options import combine

# As many as the longest line of progress has.
_PROGRESS_CELLS = 45

tenant_options = combine(
    click.option(
        "--permission",
        "permissions",
        multiple=True,
        metavar="VALUE",
        help="Grant the prepared application this app role in addition to User.Read.All. "
        "Repeatable.",
    ),
    click.option(
        "--tenant",
        "tenant_file",
        type=FileName(written=False, exists=True, dir_okay=False),
        help="A TOML file that describes the tenant; see the documentation.",
    ),
    click.option(
        "--faults",
        type=FileName(written=False, exists=True, dir_okay=False),
        help="A TOML or JSON file with the faults to cause; see the documentation.",
    ),
)


def refuse_amounts(option: str, file: Path | None) -> None:
    """Refuse options that a file which says what there is would leave without effect."""
    if file is None:
        return
    context = click.get_current_context()
    for name in ("users", "groups", "devices", "seed"):
        if name not in context.params:
            continue
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(
                f"With {option}, the file determines what the tenant contains. "
                + (
                    f"Write `{name}` under [seed] in {file} instead of --{name}."
                    if option == "--tenant"
                    else f"Leave --{name} out."
                )
            )


def show_progress(made: int, total: int) -> None:
    """Show how far a tenant is made, where somebody watches."""
    line = f"seeding: {made:,} of {total:,} objects"
    terminal.draw(terminal.open_speech(), f"{line:{_PROGRESS_CELLS}}")


def forget_progress() -> None:
    """Take the progress off the screen."""
    terminal.draw(terminal.open_speech(), "", _PROGRESS_CELLS)
