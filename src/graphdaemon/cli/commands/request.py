"""`graphdaemon request`: anything that has no command of its own."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli import options, output_options, terminal
from graphdaemon.cli.command import StrictCommand
from graphdaemon.cli.named_files import FileName

if TYPE_CHECKING:
    from graphdaemon.client.client import Client
    from graphdaemon.errors import GraphError
    from graphdaemon.graph.graph import GraphRequest
    from graphdaemon.output.sink import Sink
    from graphdaemon.output.spec import OutputSpec

_METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS")

# What Graph takes at once has 250 MB at most: "Upload or replace the contents of a driveItem".
_MOST_BYTES = 1 << 28


@click.command(cls=StrictCommand)
@click.argument(
    "method",
    metavar="METHOD",
    type=click.Choice(_METHODS, case_sensitive=False),
    # click's own offers a Choice that ignores case in lower case.
    shell_complete=lambda _, __, start: [m for m in _METHODS if m.startswith(start.upper())],
)
@click.argument("url", callback=options.refuse_settings_file)
@options.settings_argument
@options.api_options
@click.option("--all", "all_", is_flag=True, help="Follow the next links up to the last page.")
@click.option(
    "--body",
    type=FileName(written=False, exists=True, dir_okay=False, allow_dash=True),
    help="Send the content of this file as the body; - is standard input.",
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="HEADER",
    help="A header to send, such as 'Prefer: return=minimal'. Repeatable.",
)
@click.option(
    "--include", "-i", is_flag=True, help="Show the status and headers of the answer on stderr."
)
@output_options.output_options
@options.order_options
@options.verbose_option
def request(
    *,
    method: str,
    url: str,
    all_: bool,
    body: Path | None,
    headers: tuple[str, ...],
    include: bool,
    **arguments: Any,
) -> None:
    """
    Send any request, as the app.

    URL is a path below Graph's version, such as users/{id}/revokeSignInSessions or /beta/reports/…,
    or a full address at the origin in the settings, which is Graph or an API of your own. The token
    is sent nowhere else. JSON is printed as by the other commands, and anything else unchanged. A
    request that is not safe to repeat is repeated only after a refusal that left it unprocessed
    (429). If requests of a $batch are refused, the exit code is 5, as for a single request.
    """
    from graphdaemon.cli.api_settings import load_api_settings
    from graphdaemon.cli.interrupt import run_async
    from graphdaemon.cli.raw_request import make_request, selected
    from graphdaemon.client.client import Client
    from graphdaemon.output.sink import Sink

    terminal.configure_log(arguments["verbose"])
    if all_ and method != "GET":
        raise click.UsageError(f"--all works with GET only, not with {method}.")
    client = Client(load_api_settings(arguments["parameters"], arguments))
    content = _read_body(body) if body is not None else None
    request = make_request(client, url, method=method, body=content, headers=headers)
    columns = selected(url) or (() if client.settings.is_graph else None)
    spec = output_options.read_spec(
        arguments, columns, single=not all_, path=url if client.settings.is_graph else ""
    )
    with Sink(spec, terminal.open_output()) as sink:
        if all_:
            notes, refused = run_async(_write_all(client, request, sink)), None
        else:
            notes, refused = run_async(_write_one(client, request, sink, spec, include=include))
        sink.finish()
    for line in notes:
        terminal.say(line)
    if refused is not None:
        raise refused


def _read_body(path: Path) -> bytes:
    try:
        if str(path) == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise click.BadParameter(
            f"{path} cannot be read: {error.strerror}.", param_hint="--body"
        ) from None
    if len(content) > _MOST_BYTES:
        raise click.BadParameter(
            f"{path} has more than 256 MB. Upload it in parts, with an upload session.",
            param_hint="--body",
        )
    return content


async def _write_all(client: "Client", request: "GraphRequest", sink: "Sink") -> list[str]:
    from graphdaemon.cli.raw_request import read_pages

    pages = records = 0
    async with client:
        async for page in read_pages(client, request):
            sink.write(page)
            pages, records = pages + 1, records + len(page)
    counts = ((records, "record"), (pages, "page"))
    return [", ".join(f"{n:,} {word}{'' if n == 1 else 's'}" for n, word in counts)]


async def _write_one(
    client: "Client", request: "GraphRequest", sink: "Sink", spec: "OutputSpec", *, include: bool
) -> "tuple[list[str], GraphError | None]":
    from graphdaemon.cli.raw_request import has_more, is_json, name_refused_parts, records_of
    from graphdaemon.log import redact

    async with client:
        response = await client.graph.ask(request, lambda response, _: response)
    notes = []
    if include:
        notes = [f"HTTP {response.status}"]
        notes += [f"{name}: {redact(value)}" for name, value in response.headers.items()]
    if not is_json(response):
        sink.copy(response.body)
        return notes, name_refused_parts(request, response)
    sink.write(records_of(response.body, spec))
    if has_more(client, request, response):
        notes.append("This is only one of several pages. Use --all to read them all.")
    return notes, name_refused_parts(request, response)
