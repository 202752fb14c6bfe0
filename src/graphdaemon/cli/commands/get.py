"""`graphdaemon get`: one object."""

from typing import Any

import click

from graphdaemon.cli import options, output_options, terminal
from graphdaemon.cli.command import StrictCommand


@click.command(cls=StrictCommand)
@click.argument("path", callback=options.refuse_settings_file)
@options.settings_argument
@options.api_options
@options.select_option
@click.option("--expand", help="A related object to include, such as manager.")
@output_options.output_options
@options.verbose_option
def get(*, path: str, select: str | None, expand: str | None, **arguments: Any) -> None:
    """
    Get one object.

    PATH is a path below Graph's version, such as users/li.zhou@contoso.example, groups/{id} or
    organization. Begin it with /beta/ for the beta version. PARAMETERS is the settings file, which
    is found as for `graphdaemon users`.
    """
    from graphdaemon.cli.api_settings import load_api_settings
    from graphdaemon.cli.interrupt import run_async
    from graphdaemon.cli.raw_request import get_object, records_of
    from graphdaemon.cli.reading import RecordSource, describe_object, plan_reading
    from graphdaemon.client.client import Client
    from graphdaemon.graph.query import write_options
    from graphdaemon.output.sink import Sink

    terminal.configure_log(arguments["verbose"])
    client = Client(load_api_settings(arguments["parameters"], arguments))
    is_graph = client.settings.is_graph
    names = options.split_names(select)
    source = describe_object(path, expand) if is_graph else RecordSource()
    base = output_options.read_spec(arguments, (), single=True, path=path if is_graph else "")
    reading = plan_reading(source, names, base)
    spec = reading.spec
    # Of an API of one's own nothing is asked that was not said.
    chosen = reading.select
    selected = dict.fromkeys(("id", *chosen) if chosen and is_graph else chosen)
    added = {"$select": ",".join(selected), "$expand": expand}
    written = write_options({name: value for name, value in added.items() if value})
    if written:
        path += ("&" if "?" in path else "?") + written
    with Sink(spec, terminal.open_output()) as sink:
        sink.write(records_of(run_async(get_object(client, path)), spec))
        sink.finish()
