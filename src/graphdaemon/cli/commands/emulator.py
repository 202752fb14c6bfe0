"""`graphdaemon emulator`: the pretend tenant as a server of its own."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.command import StrictGroup
from graphdaemon.cli.commands.quickstart import load_emulator
from graphdaemon.cli.emulator_exec import exec_
from graphdaemon.cli.emulator_options import (
    forget_progress,
    refuse_amounts,
    show_progress,
    tenant_options,
)
from graphdaemon.cli.emulator_report import report as report_
from graphdaemon.cli.named_files import FileName, FolderName
from graphdaemon.cli.options import combine
from graphdaemon.cli.record_options import explain_recording, record_option
from graphdaemon.cli.report_options import give_report, read_order, report_options
from graphdaemon.diagnosis.file_errors import NO_ROOM, advise
from graphdaemon.errors import OutputError
from graphdaemon.settings.text import quote_for_shell

if TYPE_CHECKING:
    from entra_emulator.server.emulator import Emulator


_MOST = click.IntRange(0, 1_000_000)


class _ImportedFile(FileName):
    """A file, which may have the name of its collection before it: `users=FILE`."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(written=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Compare the file with others, and keep the text as it is."""
        super().convert(str(value).rpartition("=")[2], param, ctx)
        return value


# What to seed.
_amounts = combine(
    click.option("--users", default=250, show_default=True, type=_MOST, help="How many users."),
    click.option(
        "--groups", type=_MOST, help="How many groups; by default, one for every twenty users."
    ),
    click.option(
        "--devices", type=_MOST, help="How many devices; by default, one for every five users."
    ),
    click.option(
        "--seed",
        default=0,
        show_default=True,
        help="A number from which the tenant is invented; the same seed creates the same tenant.",
    ),
)


_data = click.option(
    "--data",
    default="graphdaemon-tenant",
    show_default=True,
    type=FolderName(),
    help="The folder of the tenant. A new folder is created and filled; an existing one is "
    "reopened.",
)


@click.group(cls=StrictGroup)
def emulator() -> None:
    """Run a pretend tenant for trying and testing."""


emulator.add_command(exec_)
emulator.add_command(report_)


@emulator.command()
@click.option(
    "--listen",
    default="127.0.0.1:8443",
    show_default=True,
    metavar="HOST:PORT",
    help="The address to listen on.",
)
@_data
@_amounts
@tenant_options
@click.option(
    "--life",
    metavar="RATE",
    help="Let the directory change by itself at this rate, e.g. 5/s or 300/m.",
)
@click.option(
    "--control", is_flag=True, help="Let tests on this machine change the time and cause faults."
)
@click.option(
    "--rules",
    type=click.Choice(["2024", "2026"]),
    default="2026",
    show_default=True,
    help="Follow Microsoft's defaults of this year.",
)
@click.option(
    "--managed-identity", is_flag=True, help="Also serve the endpoints for managed identities."
)
@click.option(
    "--federation-ca",
    type=FileName(written=False, exists=True, dir_okay=False),
    help="A CA file to trust for foreign token issuers, instead of the system's.",
)
@click.option(
    "--hostname",
    "hostnames",
    multiple=True,
    help="Also answer requests for this host name. Repeatable.",
)
@click.option(
    "--from",
    "recording",
    type=FileName(written=False, exists=True, dir_okay=False),
    help="A recording from which to create the tenant, as far as it shows one.",
)
@record_option
@report_options
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Accept connections from other machines, although they may read and change the tenant.",
)
def serve(
    *,
    listen: str,
    life: str | None,
    faults: Path | None,
    permissions: tuple[str, ...],
    rules: str,
    allow_remote: bool,
    report: bool,
    report_files: tuple[Path, ...],
    fail_on: str | None,
    **options: Any,
) -> None:
    """
    Serve the tenant until Ctrl-C. Its folder contains ca.pem and a parameters.json to use.

    The app in these settings may read the whole directory, but change nothing. With --permission,
    it has User.Read.All and the named permissions instead.
    """
    # First, since it says what to install where the imports below would only fail.
    load_emulator()
    from entra_emulator.content.data_folder import FolderInUse
    from entra_emulator.content.life import parse_rate
    from entra_emulator.server.listen import BindRefused, PortInUse
    from entra_emulator.server.serve import serve as serve_emulator
    from entra_emulator.server.settings import EmulatorSettings

    refuse_amounts("--tenant", options["tenant_file"])
    refuse_amounts("--from", options["recording"])
    if options["tenant_file"] and options["recording"]:
        raise click.UsageError("--tenant and --from exclude each other. Give one of them.")
    # The options left over have the names of its fields.
    order = read_order(shown=report, files=report_files, fail_on=fail_on)
    settings = EmulatorSettings(
        **options, rules=int(rules), report=order is not None, progress=show_progress
    )
    try:
        serve_emulator(
            listen,
            settings,
            life=parse_rate(life) if life else 0.0,
            faults=faults,
            permissions=permissions,
            allow_remote=allow_remote,
            ready=_announce,
            ended=lambda emulator: give_report(order, emulator.report()) if order else None,
        )
    except (BindRefused, FolderInUse, PortInUse, ValueError) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        explain_recording(options["record"], error)
        raise _refuse_folder(options["data"], error) from None


@emulator.command()
@_data
@_amounts
@click.option(
    "--import",
    "files",
    multiple=True,
    type=_ImportedFile(),
    metavar="FILE",
    help="Import the export of a real tenant instead. Write users=FILE to name the collection. "
    "Repeatable.",
)
def seed(*, data: Path, seed: int, files: tuple[str, ...], **sizes: Any) -> None:
    """Fill the folder of a tenant, for `emulator serve` to open."""
    load_emulator()
    from entra_emulator.content.data_folder import FolderInUse, fill_folder
    from entra_emulator.content.export_files import ExportFileError, parse_source
    from entra_emulator.content.seed import choose_sizes

    started = time.monotonic()
    try:
        sources = [parse_source(file) for file in files]
        made = fill_folder(
            data, choose_sizes(**sizes), seed=seed, sources=sources, progress=show_progress
        )
    except FileExistsError:
        raise click.UsageError(
            f"There is already a tenant in {data}. Serve it, remove the folder, or name another "
            "one with --data."
        ) from None
    except (ExportFileError, FolderInUse) as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise _refuse_folder(data, error) from None
    forget_progress()
    seconds = time.monotonic() - started
    counts = ", ".join(f"{number:,} {name}" for name, number in made.objects.items())
    terminal.say(f"{data}: {counts}; {seconds:.1f} s, {made.size / 1e6:,.0f} MB.")
    if made.lost:
        terminal.say(
            f"{made.lost:,} links were left out, because their objects are in none of the files."
        )
    terminal.say(f"Try: graphdaemon emulator serve --data {quote_for_shell(data)}")


def _refuse_folder(data: Path, error: OSError) -> Exception:
    step = advise(error.errno, "name another folder with --data")
    if error.errno in NO_ROOM:
        return OutputError(
            f"There is no room for the tenant in {data}.",
            code="output_failed",
            hint=f"{step} A tenant with fewer objects needs less.",
        )
    named = f" ({error.filename})" if error.filename else ""
    return click.UsageError(
        f"The tenant's folder {data} cannot be used: {error.strerror}{named}. {step}"
    )


def _announce(running: "Emulator") -> None:
    forget_progress()
    parameters = running.data / "parameters.json"
    rows = {
        "Portal": f"{running.url}/portal",
        "Directory (tenant) ID": running.tenant.id,
        "Certificate authority": running.ca_file,
    }
    # A tenant file need not describe an application with a secret.
    if parameters.exists():
        rows["Settings to paste"] = parameters
    if running.settings.control:
        rows["Control API"] = f"{running.url}/_emulator/"
    if running.settings.managed_identity:
        rows["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = running.imds_url
        rows["IDENTITY_ENDPOINT"] = running.identity_endpoint
        rows["IDENTITY_HEADER"] = running.identity_header
    terminal.say(f"Serving {running.tenant.display_name} at {running.url}")
    width = max(map(len, rows))
    for name, value in rows.items():
        terminal.say(f"{name:{width}}  {value}")
    if parameters.exists():
        terminal.say(f"Try: graphdaemon users {quote_for_shell(parameters)} --format table")
    else:
        terminal.say(f"Try: {running.url}/portal")
