"""`graphdaemon register`: register the app in a tenant, from nothing to the first call."""

import asyncio
import json
import os
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from typing import Any

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.interrupt import advising, run_async
from graphdaemon.cli.named_files import FileName, add_settings, load_settings
from graphdaemon.cloud import CLOUDS, is_for_graph
from graphdaemon.errors import UsageError
from graphdaemon.graph.graph import Graph
from graphdaemon.http.transport import Transport
from graphdaemon.registration.admin_graph import AdminGraph, Change
from graphdaemon.registration.administrator import (
    PUBLIC_CLIENT,
    Administrator,
    sign_in,
    take_app,
    take_az,
)
from graphdaemon.registration.apply import Reconciler
from graphdaemon.registration.desired import (
    DEFAULT_NAME,
    DesiredState,
    read_federated_credential,
    read_name,
    read_scope,
)
from graphdaemon.registration.exposed_api import ExposedApi, read_exposed_api
from graphdaemon.registration.local_files import LocalFiles
from graphdaemon.registration.undo import plan_undoing, undo
from graphdaemon.registration.verify import verify
from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings, read_sign_in_settings


@click.command(cls=StrictCommand)
@click.option(
    "--name",
    default=DEFAULT_NAME,
    show_default=True,
    help="The name of the app. Later runs find the app by it.",
)
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    metavar="NAME",
    help="An application permission of Microsoft Graph. Repeatable. By default those that the app "
    "already requests, or else User.Read.All.",
)
@click.option(
    "--scope",
    metavar="SCOPE",
    help="Call an API of your own instead: its App ID URI followed by /.default. The app then "
    "requests only those permissions of Graph that --permission names.",
)
@click.option(
    "--certificate",
    "kind",
    flag_value="certificate",
    help="Use a certificate as the credential, created on this machine. This is the default.",
)
@click.option(
    "--secret", "kind", flag_value="secret", help="Use a client secret as the credential."
)
@click.option(
    "--federated",
    metavar="WHO",
    help="Use the tokens of a platform as the credential: "
    "github:OWNER/REPOSITORY:ref:refs/heads/main or kubernetes:ISSUER:NAMESPACE:ACCOUNT.",
)
@click.option(
    "--expose",
    "uri",
    metavar="URI",
    help="Register an API with this App ID URI. api:// stands for api://{its client ID}, which "
    "every tenant accepts. The API gets neither a credential nor permissions.",
)
@click.option(
    "--role",
    "app_roles",
    multiple=True,
    metavar="ROLE",
    help="With --expose: an app role of the API, such as Orders.Read.All. Repeatable.",
)
@click.option(
    "--assign",
    "assignments",
    multiple=True,
    metavar="CLIENT:ROLE",
    help="With --expose: assign an app role of the API to an app, by its client ID or name. "
    "Repeatable.",
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
    type=FileName(written=True, beside=(".pem",), dir_okay=False),
    help="The settings file to write; use .toml for TOML. A private key is written beside it, as "
    ".pem.",
)
@click.option(
    "--force", is_flag=True, help="Replace existing files even if this command did not write them."
)
@click.option(
    "--tenant", help="Directory (tenant) ID or domain; by default that of the person who signs in."
)
@click.option(
    "--cloud",
    type=click.Choice([cloud.name for cloud in CLOUDS]),
    help="The national cloud of the tenant.",
)
@click.option(
    "--authority", help="The address of the token service, if it is not in a Microsoft cloud."
)
@click.option("--endpoint", help="The address of Graph, if it is not in a Microsoft cloud.")
@click.option(
    "--browser", "login", flag_value="browser", help="Sign in with this machine's browser."
)
@click.option(
    "--device-code",
    "login",
    flag_value="code",
    help="Sign in with a code, in any browser. This is the default if this machine has no browser.",
)
@click.option("--az", "login", flag_value="az", help="Use the sign-in of Azure CLI.")
@click.option(
    "--as",
    "as_app",
    metavar="PARAMETERS",
    type=FileName(written=False, dir_okay=False),
    help="Sign in as an app that may register others. This is its settings file.",
)
@click.option(
    "--client-id",
    default=PUBLIC_CLIENT,
    show_default=True,
    help="The client ID of the public client to sign in to.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be sent, without changing anything.")
@click.option(
    "--delete",
    is_flag=True,
    help="Undo the registration: delete the app and the files that were written.",
)
@click.option(
    "--purge", is_flag=True, help="With --delete: delete the app from the recycle bin too."
)
@click.option(
    "--verbose", "-v", count=True, help="Report each step; give the option twice to see everything."
)
def register(**arguments: Any) -> int:
    """
    Register the app in a tenant, or repair its registration.

    The command signs an administrator in and creates what is missing: the registration, its service
    principal, a credential, application permissions, admin consent, and the settings file. Then it
    makes a call to prove that they work. If you run it again, it changes only what differs. If it
    was interrupted, it continues.

    With --expose, it registers an API of your own in the same way: its App ID URI, its app roles,
    tokens of version 2, and the apps that may call it.
    """
    terminal.configure_log(arguments["verbose"])
    desired = _read_desired_state(arguments)
    files = LocalFiles(arguments["output"], desired, force=arguments["force"])
    desired = _keep_scope(desired, files)
    _check_file(desired, files, arguments)
    settings = _read_tenant_settings(arguments, files)
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
    try:
        administrator = _find_administrator(arguments, settings, transport)
        admin_graph = _open_graph(administrator, transport)
        if arguments["delete"]:
            return run_async(_undo(admin_graph, desired, files, arguments))
        reconciler = Reconciler(
            desired, administrator.settings, admin_graph, files, say=terminal.say
        )
        if arguments["dry_run"]:
            _show(run_async(reconciler.plan()), admin_graph)
            return 0
        with advising("Run it again: it continues."):
            return run_async(_apply(reconciler, files, transport, settings.timeout))
    finally:
        transport.close()


async def _apply(
    reconciler: Reconciler, files: LocalFiles, transport: Transport, timeout_s: float
) -> int:
    result = await reconciler.apply()
    terminal.print_line(f"Application (client) ID  {result.client_id}")
    if result.kind == "api":
        for uri in files.values["audience"]:
            terminal.print_line(f"Scope of its callers     {uri}/.default")
    terminal.print_line(f"Settings                 {files.path}")
    if result.kind == "api":
        _say_of_api(files.values, changed=result.changed)
    elif result.kind == "federated":
        terminal.say(
            "Tokens of the platform prove the app's identity, so nothing can be tried here. Run "
            "`graphdaemon doctor` on the platform."
        )
    else:
        # The file alone, as the daemon reads it elsewhere: variables here may be about another app.
        settings = read_settings(files.path, {}, {"timeout": timeout_s})
        endpoint = files.values.get("endpoint")
        roles = result.roles if result.consent_error is None else ()
        words = await verify(settings, transport, roles, sleep=asyncio.sleep, say=terminal.say)
        terminal.say(f"Proved: {words}.")
        if not is_for_graph(settings.scope[0].removesuffix("/.default")) and not endpoint:
            terminal.say("Write the API's address into endpoint, or give it with --endpoint.")
    # Raised last: all that can be done without consent is done and proved by now.
    if result.consent_error is not None:
        raise result.consent_error
    terminal.say("Done." if result.changed else "Nothing was to be changed.")
    return 0


def _say_of_api(settings: Mapping[str, Any], *, changed: bool) -> None:
    if not settings.get("roles"):
        terminal.say(
            "The API has no app role yet, so every app of the tenant gets a token for it. Create "
            "a role with --role, and refuse callers without it."
        )
    elif changed:
        terminal.say("It takes some minutes until tokens contain a role that was just assigned.")


async def _undo(
    admin_graph: AdminGraph, desired: DesiredState, files: LocalFiles, arguments: dict[str, Any]
) -> int:
    purge = arguments["purge"]
    if arguments["dry_run"]:
        _show(await plan_undoing(admin_graph, desired, purge=purge), admin_graph)
        return 0
    removed = await undo(admin_graph, desired, files, purge=purge, say=terminal.say)
    terminal.say(
        "Done." if removed else f"There is no app {desired.name}, and there are no files for it."
    )
    return 0


def _read_desired_state(arguments: dict[str, Any]) -> DesiredState:
    trusted = read_federated_credential(arguments["federated"]) if arguments["federated"] else None
    if trusted is not None and arguments["kind"]:
        raise click.UsageError(f"Give either --{arguments['kind']} or --federated, not both.")
    if arguments["purge"] and not arguments["delete"]:
        raise click.UsageError("--purge works only together with --delete.")
    kind = "federated" if trusted is not None else arguments["kind"]
    return DesiredState(
        read_name(arguments["name"]),
        kind,
        trusted,
        arguments["permissions"],
        arguments["days"],
        _read_exposed(arguments),
        read_scope(arguments["scope"]) if arguments["scope"] is not None else None,
    )


def _keep_scope(desired: DesiredState, files: LocalFiles) -> DesiredState:
    """Which API the app calls is said once: later runs read it where the first has written it."""
    written = files.values.get("scope")
    scope = written[0] if isinstance(written, list) and len(written) == 1 else None
    is_own = isinstance(scope, str) and not is_for_graph(scope.removesuffix("/.default"))
    if desired.scope is not None or desired.exposed is not None or not is_own:
        return desired
    return desired._replace(scope=scope)


def _read_exposed(arguments: dict[str, Any]) -> ExposedApi | None:
    uri, roles, assignments = (arguments[name] for name in ("uri", "app_roles", "assignments"))
    if uri is None:
        if roles or assignments:
            raise click.UsageError("--role and --assign work only together with --expose.")
        return None
    calling = ("kind", "federated", "permissions", "scope")
    if any(arguments[name] for name in calling):
        raise click.UsageError(
            "--expose registers an API, which needs neither a credential nor permissions. An app "
            "that calls the API is a registration of its own: for that, run the command again "
            "without --expose and with another --name."
        )
    return read_exposed_api(uri, roles, assignments)


def _check_file(desired: DesiredState, files: LocalFiles, arguments: dict[str, Any]) -> None:
    """Refuse to make an API of an app that calls, or the other way round, by a forgotten option."""
    exposing = desired.exposed is not None
    if not files.values or arguments["delete"] or exposing == ("audience" in files.values):
        return
    raise UsageError(
        f"{files.path} is for "
        + ("an app that calls, not for an API" if exposing else "an API, and --expose is missing"),
        code="option_invalid",
        hint="Name another file with --output and another app with --name."
        if exposing
        else "Add --expose. Or name another file with --output and another app with --name.",
    )


def _read_tenant_settings(arguments: dict[str, Any], files: LocalFiles) -> Settings:
    """The tenant, by the options, the environment, or the settings that an earlier run wrote."""
    if arguments["as_app"] is not None:
        if arguments["login"]:
            raise click.UsageError("--as needs nobody to sign in.")
        return load_settings(arguments["as_app"])
    options = {name: arguments[name] for name in ("tenant", "cloud", "authority", "endpoint")}
    settings = read_sign_in_settings(arguments["client_id"], files.values, os.environ, options)
    add_settings(click.get_current_context(), settings)
    return settings


def _find_administrator(
    arguments: dict[str, Any], settings: Settings, transport: Transport
) -> Administrator:
    method = arguments["login"]
    if arguments["as_app"] is not None:
        return take_app(settings, transport)
    if method == "az":
        return take_az(settings, transport)
    browser = method == "browser" or (method is None and _has_browser())
    if browser:
        terminal.say("Sign in in the browser that opens.")
    return sign_in(settings, transport, browser=browser, tell=terminal.say)


def _has_browser() -> bool:
    """Whether a browser would open on somebody's screen: not over SSH, nor in a container."""
    # A browser would open on the far machine, where nobody sits.
    if os.environ.get("SSH_CONNECTION"):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return sys.platform in {"win32", "darwin"} or any(os.environ.get(name) for name in screens)


def _open_graph(administrator: Administrator, transport: Transport) -> AdminGraph:
    settings = administrator.settings
    if settings.authority is None:
        raise UsageError(
            "apps are registered in a tenant of Entra ID, and no tenant is named",
            code="option_invalid",
            hint="Name the tenant with --tenant or --authority, or use settings with an authority "
            "with --as.",
        )
    return AdminGraph(
        Graph(transport, administrator.tokens),
        settings.graph_root,
        as_app=administrator.as_app,
        authority=settings.authority,
        say=terminal.say,
    )


def _show(changes: Sequence[Change], admin_graph: AdminGraph) -> None:
    for change in changes:
        terminal.say(change.summary)
        terminal.print_line(f"{change.method} {admin_graph.root}{change.path}")
        if change.create:
            terminal.print_line("Prefer: create-if-missing")
        if change.body is not None:
            terminal.print_lines(json.dumps(change.body, indent=2))
    if not changes:
        terminal.say("Nothing in the tenant would be changed.")
