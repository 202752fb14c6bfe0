"""The walk of `graphdaemon quickstart`: what an administrator does in the portal, and the calls."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from graphdaemon import cli
from graphdaemon.auth.key_files import make_key_pair
from graphdaemon.cli import terminal
from graphdaemon.cli.interrupt import run_async
from graphdaemon.cli.quickstart_words import Words
from graphdaemon.client.client import Client
from graphdaemon.errors import GraphError
from graphdaemon.output.fields import Record
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from graphdaemon.output.stream import explaining_failure
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.text import quote_for_shell
from graphdaemon.sharing.private_files import replace_private

if TYPE_CHECKING:
    from entra_emulator import Emulator

_STEPS = 5
_NOTE = "Made by `graphdaemon quickstart` for its pretend tenant; worth nothing elsewhere."
_COLUMNS = ("displayName", "userPrincipalName", "jobTitle", "id")
# Users that a terminal shows: the steps must not scroll away.
_SHOWN = 5


class Walk:
    """
    One walk through the quickstart; each method is a step.

    Args:
        emulator: The pretend tenant.
        folder: Where the settings and the key are written.
        words: The texts.
        wait: Wait for Enter between the steps.
    """

    def __init__(self, emulator: "Emulator", folder: Path, words: Words, *, wait: bool) -> None:
        self._emulator = emulator
        self._tenant = emulator.tenant
        self._directory = emulator.directory
        self._folder = folder
        self._words = words
        self._wait = wait
        self._step = 0
        self._client_id = ""

    def run(self, format_: str | None, stdout: TextIO | None) -> int:
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
        self._begin(self._words.list_users)
        terminal.say(f"   {_program()} users {quote_for_shell(secret_file)}")
        self._tell(self._words.with_secret, count=_list_users(secret_file, _drop))
        if format_ is None and terminal.is_output_shown():
            return self._list_few(certificate_file, stdout)
        return self._list(certificate_file, OutputSpec(format_ or "json", _COLUMNS), stdout)

    def say_next(self, *, keep: bool) -> None:
        """Say what has stayed, and what to type next: lines that work as they stand."""
        words, program = self._words, _program()
        parameters = quote_for_shell(self._folder / "parameters.json")
        lines = [
            f"{program} users {parameters} --format table --limit 10",
            f"{program} doctor {parameters}",
        ]
        terminal.say("")
        if keep:
            terminal.say(words.running.format(url=f"{self._emulator.url}/portal"))
            terminal.say(words.next)
        else:
            data = quote_for_shell(self._folder / "tenant")
            lines.insert(0, f"{program} emulator serve --data {data}{self._listen()}")
            terminal.say(words.kept.format(folder=self._folder))
            terminal.say(words.next_served)
        for line in lines:
            terminal.say(f"   {line}")

    def _listen(self) -> str:
        """The option with which the settings stay good, where it is not the default."""
        host = self._emulator.url.removeprefix("https://")
        return "" if host.endswith(":8443") else f" --listen {host}"

    def _meet_tenant(self) -> None:
        words = self._words
        self._begin(words.tenant, words.overview)
        tenant = self._tenant
        count = self._directory.collections.count(tenant, "user")
        self._tell(words.tenant_is, name=tenant.display_name, count=count, url=self._emulator.url)
        self._tell(words.tenant_id, id=tenant.id)

    def _register(self) -> tuple[Path, Path]:
        words = self._words
        self._begin(words.register, words.new_registration)
        directory, tenant = self._directory, self._tenant
        application = directory.applications.register(tenant, "Daemon-console")
        self._client_id = application.app_id
        self._tell(words.client_id, id=application.app_id)
        self._portal(words.credentials)
        password = directory.credentials.add_password(tenant, application.app_id, "quickstart")
        assert password.secret_text is not None, "it was made just now"
        self._tell(words.secret, hint=password.hint, id=password.key_id)
        pem, der = make_key_pair("Daemon-console")
        certificate = directory.credentials.add_certificate(tenant, application.app_id, der)
        self._tell(words.certificate, thumbprint=certificate.thumbprint)
        self._portal(words.permissions)
        directory.applications.add_application_permission(
            tenant, application.app_id, "User.Read.All"
        )
        self._tell(words.not_granted, tenant=tenant.display_name)
        key_file = self._folder / "daemon-console.pem"
        _replace(key_file, pem)
        return (
            self._write_parameters("parameters.json", secret=password.secret_text),
            self._write_parameters(
                "parameters.certificate.json",
                thumbprint=certificate.thumbprint,
                private_key_file=key_file.name,
            ),
        )

    def _call_too_early(self, client: Client) -> None:
        self._begin(self._words.too_early)
        self._tell(self._words.good_token)
        _show_refusal(client)

    def _consent(self, client: Client) -> None:
        words = self._words
        self._begin(words.consent, words.grant.format(tenant=self._tenant.display_name))
        granted = self._directory.consents.grant_admin_consent(self._tenant, self._client_id)
        self._tell(words.granted, roles=", ".join(granted))
        self._tell(words.token_of_before)
        _show_refusal(client, hint=False)

    def _list(self, parameters: Path, spec: OutputSpec, stdout: TextIO | None) -> int:
        """Write all users where `spec` says."""
        with Sink(spec, stdout) as sink:
            listed = _list_users(parameters, sink.write)
            sink.finish()
        self._tell(self._words.with_certificate, count=listed)
        return listed

    def _list_few(self, parameters: Path, stdout: TextIO | None) -> int:
        """Write all users into a file, and show the first of them."""
        path = self._folder / "users.json"
        few: list[Record] = []

        def take(records: Sequence[Record]) -> None:
            few.extend(records[: _SHOWN - len(few)])
            everything.write(records)

        with Sink(OutputSpec("json", _COLUMNS, path), stdout) as everything:
            listed = _list_users(parameters, take)
            everything.finish()
        self._tell(self._words.with_certificate, count=listed)
        self._tell(self._words.first_users, shown=len(few), count=listed, path=path)
        with Sink(OutputSpec("table", _COLUMNS[:3]), stdout) as shown:
            shown.write(few)
            shown.finish()
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
            "ca_file": os.path.relpath(emulator.ca_file, self._folder),
        }
        path = self._folder / name
        _replace(path, f"{json.dumps(values, indent=2)}\n")
        self._tell(self._words.wrote, path=path)
        return path

    def _begin(self, title: str, page: str | None = None) -> None:
        if self._wait and self._step:
            terminal.wait_for_enter(f"   {self._words.enter}")
        self._step += 1
        terminal.say(lead=f"{self._step}/{_STEPS} {title}", style={"bold": True})
        if page is not None:
            self._portal(page)

    def _portal(self, page: str) -> None:
        terminal.say(lead=f"   {self._words.portal.format(page=page)}", style={"dim": True})

    def _tell(self, text: str, **values: object) -> None:
        terminal.say(f"   {text.format_map(values)}")


def _program() -> str:
    """How this program is called here: by its name, where the shell finds it, or by its path."""
    called = Path(sys.argv[0])
    if called.stem == "__main__":
        return "python -m graphdaemon"
    known = shutil.which(called.name)
    if known is not None and Path(known).resolve() == called.resolve():
        return called.stem
    return quote_for_shell(Path(os.path.relpath(called)))


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


def _replace(path: Path, text: str) -> None:
    with explaining_failure(path):
        replace_private(path, text.encode())


def _drop(_: Sequence[Record]) -> None:
    pass


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
