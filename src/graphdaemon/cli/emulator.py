"""``graphdaemon emulator``: the pretend tenant as a server of its own."""

from __future__ import annotations

from functools import partial
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
@click.option(
    "--control", is_flag=True, help="Let tests on this machine move time and make faults."
)
@click.option("--managed-identity", is_flag=True, help="Serve a machine's identity endpoints too.")
@click.option(
    "--federation-ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CA file to trust for foreign token issuers, instead of the system's.",
)
@click.option(
    "--hostname", "hostnames", multiple=True, help="Answer for this name too; repeatable."
)
@click.option("--allow-remote", is_flag=True, help="Listen beyond this machine, knowing the risk.")
def serve(
    *,
    listen: str,
    data: Path,
    users: int,
    seed: int,
    control: bool,
    managed_identity: bool,
    federation_ca: Path | None,
    hostnames: tuple[str, ...],
    allow_remote: bool,
) -> None:
    """Serve the tenant until Ctrl-C; ca.pem and parameters.json to paste are in its folder."""
    load_emulator()
    from graphdaemon.emulator import server

    try:
        server.serve(
            listen,
            data,
            users=users,
            seed=seed,
            control=control,
            managed_identity=managed_identity,
            federation_ca=federation_ca,
            hostnames=hostnames,
            allow_remote=allow_remote,
            ready=partial(_announce, control=control, managed_identity=managed_identity),
        )
    except (server.BindRefused, server.PortInUse, ValueError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise click.UsageError(
            f"The tenant's folder {data} cannot be used: {error.strerror}. Try another --data."
        ) from None


def _announce(running: Emulator, *, control: bool, managed_identity: bool) -> None:
    parameters = running.data / "parameters.json"
    rows = {
        "Directory (tenant) ID": running.tenant.id,
        "Certificate authority": running.ca_file,
        "Settings to paste": parameters,
    }
    if control:
        rows["Control API"] = f"{running.url}/_emulator/"
    if managed_identity:
        rows["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = running.imds_url
        rows["IDENTITY_ENDPOINT"] = running.identity_endpoint
        rows["IDENTITY_HEADER"] = running.identity_header
    click.echo(f"Serving {running.tenant.display_name} at {running.url}", err=True)
    width = max(map(len, rows))
    for name, value in rows.items():
        click.echo(f"{name:{width}}  {value}", err=True)
    click.echo(f"Try: graphdaemon users {parameters} --format table", err=True)
