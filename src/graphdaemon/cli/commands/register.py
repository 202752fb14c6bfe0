"""`graphdaemon register`: the app in a tenant, from nothing to the first call."""

import asyncio
import json
import os
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from graphdaemon import log
from graphdaemon.auth.key_files import make_key_pair
from graphdaemon.cli.interrupt import run_async
from graphdaemon.cloud import CLOUDS
from graphdaemon.errors import UsageError
from graphdaemon.graph.graph import Graph
from graphdaemon.http.transport import Transport
from graphdaemon.registration.admin_graph import Desk
from graphdaemon.registration.administrator import (
    PUBLIC_CLIENT,
    Administrator,
    sign_in,
    take_app,
    take_az,
)
from graphdaemon.registration.apply import Registered, Registrar
from graphdaemon.registration.change import Change
from graphdaemon.registration.desired import DEFAULT_NAME, Wish, read_name, read_trust
from graphdaemon.registration.local_files import Files
from graphdaemon.registration.undo import plan_undoing, undo
from graphdaemon.registration.verify import verify
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings, read_sign_in_settings

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--name", default=DEFAULT_NAME, show_default=True, help="Of the app; finds it again.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    metavar="NAME",
    help="An application permission of Microsoft Graph; repeatable. By default those the app asks "
    "for already, else User.Read.All.",
)
@click.option(
    "--certificate",
    "kind",
    flag_value="certificate",
    help="Prove the app's identity by a certificate, made here; the default.",
)
@click.option("--secret", "kind", flag_value="secret", help="By a client secret.")
@click.option(
    "--federated",
    metavar="WHO",
    help="By the tokens of github:OWNER/REPOSITORY:ref:refs/heads/main or "
    "kubernetes:ISSUER:NAMESPACE:ACCOUNT.",
)
@click.option(
    "--days",
    default=365,
    show_default=True,
    type=click.IntRange(1, 730),
    help="How long the certificate or secret is valid.",
)
@click.option(
    "--output",
    "-o",
    default="parameters.json",
    show_default=True,
    type=_FILE,
    help="The settings; TOML by its name. A key goes beside it, as .pem.",
)
@click.option("--force", is_flag=True, help="Replace files that others have written.")
@click.option("--tenant", help="Directory (tenant) ID or domain; by default of whoever signs in.")
@click.option(
    "--cloud", type=click.Choice([cloud.name for cloud in CLOUDS]), help="A national cloud."
)
@click.option("--authority", help="Who issues tokens, if no cloud of Microsoft's.")
@click.option("--endpoint", help="Where Graph is, if not in a cloud of Microsoft's.")
@click.option("--browser", "way", flag_value="browser", help="Sign in in this machine's browser.")
@click.option(
    "--device-code",
    "way",
    flag_value="code",
    help="Sign in with a code, in any browser; the default where there is none.",
)
@click.option("--az", "way", flag_value="az", help="Take the sign-in of Azure CLI.")
@click.option(
    "--as",
    "as_app",
    metavar="PARAMETERS",
    type=_FILE,
    help="Register as an app that may, by its settings.",
)
@click.option(
    "--client-id", default=PUBLIC_CLIENT, show_default=True, help="The public client to sign in to."
)
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and change nothing.")
@click.option("--delete", is_flag=True, help="Undo it: the app and the files that were written.")
@click.option("--purge", is_flag=True, help="With --delete: from the recycle bin too.")
@click.option("--verbose", "-v", count=True, help="Say what is done; twice: everything.")
def register(**arguments: Any) -> int:
    """
    Register the app in a tenant, or repair that.

    Signs an administrator in, and makes what is missing: the registration, its service principal,
    a credential, application permissions, admin consent, and the settings file; then proves it by
    a call. Run again, it changes what differs and nothing else; stopped at any moment and run
    again, it goes on.
    """
    log.configure(arguments["verbose"])
    wish = _read_wish(arguments)
    files = Files(arguments["output"], wish, force=arguments["force"])
    place = _read_place(arguments, files)
    transport = Transport(ca_file=place.ca_file, timeout=place.timeout)
    try:
        administrator = _find_administrator(arguments, place, transport)
        desk = _open_desk(administrator, transport)
        if arguments["delete"]:
            return run_async(_undo(desk, wish, files, arguments))
        place = administrator.place
        registrar = Registrar(wish, place, desk, files, make=_maker(wish), say=_say)
        if arguments["dry_run"]:
            _show(run_async(registrar.plan()), desk)
            return 0
        return run_async(_register(registrar, files, place, transport))
    finally:
        transport.close()


async def _register(
    registrar: Registrar, files: Files, place: Settings, transport: Transport
) -> int:
    done = await registrar.run()
    click.echo(f"Application (client) ID  {done.client_id}")
    click.echo(f"Settings                 {files.path}")
    _say(await _prove(done, files, transport, place))
    if done.refusal is not None:
        raise done.refusal
    _say("Done." if done.changed else "Nothing was to be changed.")
    return 0


async def _prove(done: Registered, files: Files, transport: Transport, place: Settings) -> str:
    if done.kind == "federated":
        return (
            "Its identity is proved by its platform's tokens, so that nothing can be tried here: "
            "run `graphdaemon doctor` there."
        )
    settings = read_settings(files.path, {}, {"timeout": place.timeout})
    roles = done.roles if done.refusal is None else ()
    words = await verify(settings, transport, roles, sleep=asyncio.sleep, say=_say)
    return f"Proved: {words}."


async def _undo(desk: Desk, wish: Wish, files: Files, arguments: dict[str, Any]) -> int:
    if arguments["dry_run"]:
        _show(tuple(await plan_undoing(desk, wish, purge=arguments["purge"])), desk)
        return 0
    changed = await undo(desk, wish, files, purge=arguments["purge"], say=_say)
    _say("Done." if changed else f"There is no app {wish.name}, and no file of it.")
    return 0


def _maker(wish: Wish) -> Callable[[str], str]:
    return lambda title: make_key_pair(title, days=wish.days)[0]


def _read_wish(arguments: dict[str, Any]) -> Wish:
    trust = read_trust(arguments["federated"]) if arguments["federated"] else None
    if trust is not None and arguments["kind"]:
        raise click.UsageError(f"Give --{arguments['kind']} or --federated, not both.")
    if arguments["purge"] and not arguments["delete"]:
        raise click.UsageError("--purge goes with --delete.")
    kind = "federated" if trust is not None else arguments["kind"]
    return Wish(
        read_name(arguments["name"]), kind, trust, arguments["permissions"], arguments["days"]
    )


def _read_place(arguments: dict[str, Any], files: Files) -> Settings:
    """The tenant: from the options, the environment, or what an earlier run wrote."""
    if arguments["as_app"] is not None:
        if arguments["way"]:
            raise click.UsageError("--as needs nobody to sign in.")
        return read_settings(arguments["as_app"])
    options = {name: arguments[name] for name in ("tenant", "cloud", "authority", "endpoint")}
    return read_sign_in_settings(arguments["client_id"], files.values, os.environ, options)


def _find_administrator(
    arguments: dict[str, Any], place: Settings, transport: Transport
) -> Administrator:
    if arguments["as_app"] is not None:
        return take_app(place, transport)
    if arguments["way"] == "az":
        return take_az(place, transport)
    browser = arguments["way"] == "browser" or (arguments["way"] is None and _has_browser())
    if browser:
        _say("Sign in in the browser that opens.")
    return sign_in(place, transport, browser=browser, tell=_say)


def _has_browser() -> bool:
    """Whether a browser would open on somebody's screen: not over SSH, nor in a container."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in {"win32", "darwin"} or any(os.environ.get(name) for name in screens)


def _open_desk(administrator: Administrator, transport: Transport) -> Desk:
    place = administrator.place
    if place.authority is None:
        raise UsageError(
            "apps are registered in a tenant of Entra ID, and the settings name none",
            code="option_invalid",
            hint="Name it with --tenant or --authority, or settings with an authority with --as.",
        )
    graph = Graph(transport, administrator.tokens)
    return Desk(
        graph,
        place.graph_root,
        as_app=administrator.as_app,
        authority=place.authority,
        say=_say,
    )


def _show(changes: tuple[Change, ...], desk: Desk) -> None:
    for change in changes:
        _say(change.words)
        click.echo(f"{change.method} {desk.root}{change.path}")
        if change.create:
            click.echo("Prefer: create-if-missing")
        if change.body is not None:
            click.echo(json.dumps(change.body, indent=2))
    if not changes:
        _say("Nothing would be changed in the tenant.")


def _say(text: str) -> None:
    click.echo(text, err=True)
