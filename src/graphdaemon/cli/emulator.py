"""``graphdaemon emulator``: the pretend tenant as a server of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdaemon.cli.quickstart import load_emulator

if TYPE_CHECKING:
    from graphdaemon.emulator.server import Emulator


@click.group()
def emulator() -> None:
    """Run a pretend tenant for trying and testing."""


@emulator.command()
@click.option("--listen", default="127.0.0.1:8443", show_default=True, metavar="HOST:PORT")
@click.option(
    "--data",
    default="graphdaemon-tenant",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the tenant; made and filled when new, reopened when not.",
)
@click.option("--users", default=250, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same users.")
@click.option("--allow-remote", is_flag=True, help="Listen beyond this machine, knowing the risk.")
def serve(*, listen: str, data: Path, users: int, seed: int, allow_remote: bool) -> None:
    """Serve the tenant until Ctrl-C; ca.pem and parameters.json to paste are in its folder."""
    load_emulator()
    from graphdaemon.emulator import server

    try:
        server.serve(
            listen, data, users=users, seed=seed, allow_remote=allow_remote, ready=_announce
        )
    except (server.BindRefused, server.PortInUse, ValueError) as error:
        raise click.UsageError(str(error)) from None


def _announce(running: Emulator) -> None:
    parameters = running.data / "parameters.json"
    click.echo(f"Serving {running.tenant.display_name} at {running.url}", err=True)
    click.echo(f"Directory (tenant) ID    {running.tenant.id}", err=True)
    click.echo(f"Certificate authority    {running.ca_file}", err=True)
    click.echo(f"Settings to paste        {parameters}", err=True)
    click.echo(f"Try: graphdaemon users {parameters} --format table", err=True)
