"""`graphdaemon consent`: show where an administrator consents, and wait until it is done."""

import time
import webbrowser
from pathlib import Path

import click

from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import load_settings
from graphdaemon.registration.consent import (
    build_consent_url,
    read_awaited_roles,
    wait_for_consent,
)

_WAIT_S = 300


@click.command(cls=StrictCommand)
@options.settings_argument
@click.option("--open", "open_", is_flag=True, help="Open the page in this machine's browser.")
@click.option(
    "--wait",
    "wait",
    is_flag=False,
    flag_value=str(_WAIT_S),
    metavar="[SECONDS]",
    help="Wait until a new token shows the consent; 300 seconds by default.",
)
@click.option("--role", "roles", multiple=True, help="An app role to wait for. Repeatable.")
@click.option(
    "--for",
    "calls",
    multiple=True,
    metavar="CALL",
    help='Wait for what a call needs, such as "GET /users"; by default the call in endpoint.',
)
@click.option(
    "--redirect-uri",
    metavar="URI",
    help="Where the page leads afterwards: a registered redirect URI. In this case, consent is "
    "granted only for the API in scope.",
)
@click.option(
    "--verbose", "-v", count=True, help="Report each step; give the option twice to see everything."
)
def consent(
    *,
    parameters: Path | None,
    open_: bool,
    wait: str | None,
    roles: tuple[str, ...],
    calls: tuple[str, ...],
    redirect_uri: str | None,
    verbose: int,
) -> None:
    """
    Print the page where an administrator consents.

    Send the address to an administrator of the tenant. The page grants the application permissions
    that the registration requests. With --wait, the command requests new tokens until one shows the
    consent. The exit code is 4 if the time runs out first.
    """
    terminal.configure_log(verbose)
    parameters, seconds = _read_wait(wait, parameters)
    settings = load_settings(parameters)
    url = build_consent_url(settings, redirect_uri=redirect_uri)
    # A call that is not known is refused before anybody reads the address.
    awaited = read_awaited_roles(settings, roles, calls) if seconds is not None else None
    terminal.print_line(url)
    if redirect_uri is None:
        terminal.say(
            "If the app has no redirect URI, the page ends with AADSTS500113 (no reply address) "
            "after the consent. You can ignore this."
        )
    if open_ and not webbrowser.open(url):
        terminal.say("No browser could be opened on this machine. Open the address yourself.")
    if seconds is not None and awaited is not None:
        terminal.say(f"Waiting up to {seconds:g} s for {awaited} …")
        granted = wait_for_consent(settings, awaited, seconds, sleep=time.sleep)
        terminal.say(f"Granted: {', '.join(granted)}")


def _read_wait(wait: str | None, parameters: Path | None) -> tuple[Path | None, float | None]:
    """Return the settings file and the seconds; the word after a bare --wait may be the file."""
    if wait is None:
        return parameters, None
    try:
        seconds = float(wait)
    except ValueError:
        if parameters is not None:
            raise click.UsageError(f"--wait takes seconds, and {wait!r} is not a number.") from None
        return Path(wait), float(_WAIT_S)
    if not 0 < seconds <= 86_400:
        raise click.UsageError("--wait takes from 1 to 86400 seconds.")
    return parameters, seconds
