"""`graphdaemon quickstart`: Microsoft's quickstart, step by step, on a pretend tenant."""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdaemon import cli
from graphdaemon.auth.key_files import make_key_pair
from graphdaemon.cli import terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.interrupt import run_async
from graphdaemon.client.client import Client
from graphdaemon.errors import GraphError
from graphdaemon.output.fields import Record
from graphdaemon.output.formats import FORMATS
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from graphdaemon.settings.read import read_settings
from graphdaemon.sharing.private_files import replace_private

if TYPE_CHECKING:
    from entra_emulator import Emulator

_STEPS = 5
_NOTE = "Made by `graphdaemon quickstart` for its pretend tenant; worth nothing elsewhere."


@click.command(cls=StrictCommand)
@click.option("--users", default=250, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same users.")
@click.option("--format", "-f", "format_", type=click.Choice(FORMATS), default="json")
@click.option("--keep", is_flag=True, help="Leave the tenant running, and print its settings.")
@click.option("--step", is_flag=True, help="Wait for Enter between the steps (on a terminal).")
@click.option("--verbose", "-v", count=True, help="Say what is done; twice: everything.")
def quickstart(
    *, users: int, seed: int, format_: str, keep: bool, step: bool, verbose: int
) -> None:
    """
    Show the whole job on a pretend tenant.

    Register an app, meet the 403, grant consent, list the users: in this process, with no
    internet. What each step does goes to stderr, the users go to stdout:
    `graphdaemon quickstart | jq .value`.
    """
    terminal.configure_log(verbose)
    started = time.monotonic()
    emulator_class = load_emulator()
    wait = step and sys.stdin.isatty() and terminal.is_speech_shown()
    with (
        Sink(OutputSpec(format_, _COLUMNS), terminal.open_output()) as sink,
        tempfile.TemporaryDirectory(prefix="graphdaemon-quickstart-") as folder,
        emulator_class(users=users, seed=seed) as emulator,
    ):
        walk = _Walk(emulator, Path(folder), wait=wait)
        listed = walk.run(sink)
        terminal.say(f"Done: {listed} users in {time.monotonic() - started:.1f} s.")
        if keep:
            walk.keep()


_COLUMNS = ("displayName", "userPrincipalName", "jobTitle", "id")


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


class _Walk:
    """One walk through the quickstart; each method is a step."""

    def __init__(self, emulator: "Emulator", folder: Path, *, wait: bool) -> None:
        self._emulator = emulator
        self._tenant = emulator.tenant
        self._directory = emulator.directory
        self._folder = folder
        self._wait = wait
        self._step = 0
        self._client_id = ""

    def run(self, sink: Sink) -> int:
        """Walk all steps; write the users; return how many."""
        self._meet_tenant()
        secret_file, certificate_file = self._register()
        # One client for both calls: it keeps the token that was issued before the consent.
        early = _open(secret_file)
        try:
            self._call_too_early(early)
            self._consent(early)
        finally:
            early.close()
        return self._list(secret_file, certificate_file, sink)

    def keep(self) -> None:
        """Leave the tenant running until Ctrl-C, and say how to use it."""
        emulator = self._emulator
        terminal.say("")
        terminal.say("The tenant keeps running until Ctrl-C. In another terminal:")
        terminal.say(f"   export GRAPHDAEMON_CONFIG={self._folder / 'parameters.json'}")
        terminal.say("   graphdaemon users --format table")
        terminal.say(f"The consent page, for a browser that trusts {emulator.ca_file}:")
        terminal.say(
            f"   {emulator.url}/{self._tenant.id}/adminconsent?client_id={self._client_id}"
        )
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            terminal.say("Stopped.")

    def _meet_tenant(self) -> None:
        self._begin("A pretend tenant", "your own tenant's Overview")
        tenant = self._tenant
        count = self._directory.collections.count(tenant, "user")
        terminal.say(f"   {tenant.display_name}, {count} users, at {self._emulator.url}")
        terminal.say(f"   Directory (tenant) ID    {tenant.id}")

    def _register(self) -> tuple[Path, Path]:
        self._begin("Register the app Daemon-console", "App registrations > New registration")
        directory, tenant = self._directory, self._tenant
        application = directory.applications.register(tenant, "Daemon-console")
        self._client_id = application.app_id
        terminal.say(f"   Application (client) ID  {application.app_id}")
        _portal("Certificates & secrets")
        password = directory.credentials.add_password(tenant, application.app_id, "quickstart")
        assert password.secret_text is not None, "it was made just now"
        terminal.say(
            f"   secret {password.hint}…, shown once; its Secret ID {password.key_id} is not it"
        )
        pem, der = make_key_pair("Daemon-console")
        certificate = directory.credentials.add_certificate(tenant, application.app_id, der)
        terminal.say(f"   certificate, thumbprint {certificate.thumbprint}")
        _portal("API permissions > Microsoft Graph > Application permissions")
        directory.applications.add_application_permission(
            tenant, application.app_id, "User.Read.All"
        )
        terminal.say("   User.Read.All: not granted for Contoso yet")
        key_file = self._folder / "daemon-console.pem"
        replace_private(key_file, pem.encode())
        return (
            self._write_parameters("parameters.json", secret=password.secret_text),
            self._write_parameters(
                "parameters.certificate.json",
                thumbprint=certificate.thumbprint,
                private_key_file=key_file.name,
            ),
        )

    def _call_too_early(self, client: Client) -> None:
        self._begin("Call Graph before consent", None)
        terminal.say("   what everybody meets; the token is good, and carries no role")
        _show_refusal(client)

    def _consent(self, client: Client) -> None:
        self._begin("Grant admin consent", "API permissions > Grant admin consent for Contoso")
        granted = self._directory.consents.grant_admin_consent(self._tenant, self._client_id)
        terminal.say(f"   granted: {', '.join(granted)}")
        terminal.say("   The token from before, once more: roles are fixed when a token is issued.")
        _show_refusal(client, hint=False)

    def _list(self, secret_file: Path, certificate_file: Path, sink: Sink) -> int:
        self._begin("List the users", None)
        terminal.say("   graphdaemon users parameters.json")
        counted = _list_users(secret_file, lambda _: None)
        terminal.say(f"   with the secret: {counted} users")
        listed = _list_users(certificate_file, sink.write)
        sink.finish()
        terminal.say(f"   with the certificate: {listed} users")
        return listed

    def _write_parameters(self, name: str, **credential: str) -> Path:
        emulator = self._emulator
        values: dict[str, Any] = {
            "note": _NOTE,
            "authority": f"{emulator.url}/{self._tenant.id}",
            "oidc_authority": None,
            "client_id": self._client_id,
            "scope": ["https://graph.microsoft.com/.default"],
            **credential,
            "endpoint": f"{emulator.url}/v1.0/users",
            "ca_file": str(emulator.ca_file),
        }
        path = self._folder / name
        replace_private(path, f"{json.dumps(values, indent=2)}\n".encode())
        terminal.say(f"   wrote {name}, readable by you alone")
        return path

    def _begin(self, title: str, page: str | None) -> None:
        if self._wait and self._step:
            terminal.wait_for_enter("   Enter goes on")
        self._step += 1
        terminal.say(lead=f"{self._step}/{_STEPS} {title}", style={"bold": True})
        if page is not None:
            _portal(page)


def _open(parameters: Path) -> Client:
    # The file alone: the AZURE_ variables may hold the credentials of a real tenant, and those must
    # not go to a pretend one.
    return Client(read_settings(parameters, {}))


def _list_users(parameters: Path, write: Callable[[Sequence[Record]], None]) -> int:
    client = _open(parameters)

    async def list_users() -> int:
        listed = 0
        async with client:
            async for page in client.pages("users"):
                write(page.records)
                listed += len(page.records)
        return listed

    return run_async(list_users())


def _show_refusal(client: Client, *, hint: bool = True) -> None:
    async def first_page() -> None:
        async for _ in client.pages("users"):
            return

    try:
        run_async(first_page())
    except GraphError as error:
        if error.status != 403:
            raise
        # The first refusal has shown it already.
        if not hint:
            error.hint = None
        cli.show(error, indent="   ")
        return
    raise AssertionError("the pretend tenant showed its users to an app without consent")


def _portal(page: str) -> None:
    terminal.say(lead=f"   portal: {page}", style={"dim": True})
