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
from graphdaemon.cli.tenants.each import conclude, describe_error, do_for_each, render_document
from graphdaemon.cli.tenants.folder import load_folder, tenants_option
from graphdaemon.diagnosis.token_claims import describe_claims, describe_moment, read_claims
from graphdaemon.errors import Error
from graphdaemon.http.transport import Transport
from graphdaemon.settings.model import Settings


@click.command(cls=StrictCommand)
@options.settings_argument
@tenants_option
@click.option("--raw", is_flag=True, help="Print the token itself, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print the claims as JSON, for machines.")
@options.verbose_option
def token(
    *, parameters: Path | None, tenants: Path | None, raw: bool, as_json: bool, verbose: int
) -> int:
    """
    Show what the app's token says.

    Each claim is explained in a sentence. Only --raw prints the token itself. Anybody who has the
    token can act as the app until it expires.

    With --tenants, every tenant has a section of its own or, with --json, a member. The exit code
    is that of the first tenant, by name, that failed.
    """
    terminal.configure_log(verbose)
    if raw and as_json:
        raise click.UsageError(
            "--raw prints the token, and --json its claims. Give only one of them."
        )
    if tenants is not None:
        if raw:
            raise click.UsageError(
                "--raw prints a single token, so it does not work with "
                "--tenants. Name one settings file."
            )
        return _show_tenants(tenants, parameters, as_json=as_json)
    acquired = run_async(_acquire(load_settings(parameters)))
    if raw:
        terminal.print_line(acquired.value)
    elif as_json:
        terminal.print_lines(json.dumps(_describe(acquired), indent=2, ensure_ascii=False))
    else:
        _print(acquired)
    return 0


def _show_tenants(folder: Path, parameters: Path | None, *, as_json: bool) -> int:
    files = load_folder(folder, parameters)
    outcomes = run_async(do_for_each(files, lambda _, settings: _acquire(settings)))
    failures = {name: [one] for name, one in outcomes.items() if isinstance(one, Error)}
    if not as_json:
        for name, outcome in outcomes.items():
            if isinstance(outcome, Token):
                terminal.print_line(f"{name}:")
                _print(outcome)
                terminal.print_line()
    code = conclude(failures, len(files))
    if as_json:
        members = {name: _describe_outcome(outcome) for name, outcome in outcomes.items()}
        terminal.print_lines(render_document(members, code).decode().rstrip())
    return code


def _describe_outcome(outcome: Token | Error) -> dict[str, object]:
    if isinstance(outcome, Error):
        return {"error": describe_error(outcome)}
    return {"error": None, **_describe(outcome)}


def _describe(acquired: Token) -> dict[str, object]:
    claims = read_claims(acquired.value)
    return {"claims": claims, "expires_at": acquired.expires_at, "jwt": claims is not None}


def _print(acquired: Token) -> None:
    claims, now = read_claims(acquired.value), time.time()
    if claims is None:
        terminal.print_line("The token is not a JWT. Only its API can read what it says.")
        terminal.print_line(f"It expires {describe_moment(acquired.expires_at, now)}.")
    else:
        print_claims(describe_claims(claims, now))


async def _acquire(settings: Settings) -> Token:
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
    try:
        return await AppIdentity(settings, transport).acquire()
    finally:
        transport.close()
