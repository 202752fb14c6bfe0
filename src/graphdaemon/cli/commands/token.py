"""`graphdaemon token`: what the app's token says."""

import json
import time
from pathlib import Path

import click

from graphdaemon.auth.app_identity import AppIdentity
from graphdaemon.auth.token import Token
from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.commands.explain import print_claims
from graphdaemon.cli.interrupt import run_async
from graphdaemon.cli.named_files import load_settings
from graphdaemon.diagnosis.token_claims import describe_claims, describe_moment, read_claims
from graphdaemon.http.transport import Transport


@click.command(cls=StrictCommand)
@options.settings_argument
@click.option("--raw", is_flag=True, help="Print the token itself, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="The claims as JSON, for machines.")
@options.verbose_option
def token(*, parameters: Path | None, raw: bool, as_json: bool, verbose: int) -> None:
    """
    Show what the app's token says.

    Each claim comes with a plain sentence. The token itself is printed with --raw, and only then:
    whoever has it is the app until it expires.
    """
    terminal.configure_log(verbose)
    if raw and as_json:
        raise click.UsageError("--raw prints the token, --json its claims: give one of them.")
    acquired = run_async(_acquire(parameters))
    if raw:
        terminal.print_line(acquired.value)
        return
    claims = read_claims(acquired.value)
    now = time.time()
    if as_json:
        shown = {"claims": claims, "expires_at": acquired.expires_at, "jwt": claims is not None}
        terminal.print_lines(json.dumps(shown, indent=2, ensure_ascii=False))
    elif claims is None:
        terminal.print_line("The token is no JWT: what it says, its API alone can read.")
        terminal.print_line(f"It expires {describe_moment(acquired.expires_at, now)}.")
    else:
        print_claims(describe_claims(claims, now))


async def _acquire(parameters: Path | None) -> Token:
    settings = load_settings(parameters)
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
    try:
        return await AppIdentity(settings, transport).acquire()
    finally:
        transport.close()
