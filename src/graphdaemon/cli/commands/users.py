"""`graphdaemon users`: the quickstart's job."""

from typing import Any

import click

from graphdaemon.cli import options, output_options
from graphdaemon.cli.command import StrictCommand


@click.command(cls=StrictCommand)
@options.settings_argument
@options.api_options
@options.query_options
@output_options.output_options
@options.explode_options
@options.order_options
@options.proof_options
@options.quiet_option
@options.verbose_option
def users(**arguments: Any) -> None:
    """
    List the users of the directory.

    Every page is read, and the last line says what proves the list complete. PARAMETERS is the
    settings file: parameters.json as in Microsoft's sample, or TOML. Without it, the file is the
    one that $GRAPHDAEMON_CONFIG names, or ./parameters.json. Without a file, all settings come from
    the environment (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET).
    """
    from graphdaemon.cli.run_listing import run_listing

    run_listing("users", arguments)
