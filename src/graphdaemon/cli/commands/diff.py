"""`graphdaemon diff`: what changed since a time."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli import options, output_options, stored_options, terminal
from graphdaemon.cli.command import StrictCommand

if TYPE_CHECKING:
    from graphdaemon.store.events import RecordEvent
    from graphdaemon.store.tenant_history import TenantHistory

_BATCH = 1_000


@click.command(cls=StrictCommand)
@click.argument(
    "collections",
    nargs=-1,
    metavar="[COLLECTION]...",
    shell_complete=stored_options.complete_stored,
)
@click.option(
    "--since",
    metavar="TIME",
    required=True,
    help="The beginning of the period, such as 2026-11-01 or 2026-11-01T08:30Z.",
)
@click.option("--until", metavar="TIME", help="The end of the period; by default now.")
@stored_options.store_options
@output_options.output_options
@options.order_options
@options.quiet_option
@options.verbose_option
def diff(*, collections: tuple[str, ...], **arguments: Any) -> None:
    """
    Show what has changed since a given time, from a store.

    COLLECTION is users, groups, groups/members and so on; by default, all collections that the
    store had at that time. Each object that differs has one line, whatever happened to it in
    between: it is new, it is gone, or the named properties have other values.
    """
    from graphdaemon.cli.event_output import read_event_spec, render_event
    from graphdaemon.output.sink import Sink

    terminal.configure_log(arguments["verbose"])
    spec = read_event_spec(arguments)
    with stored_options.open_history(arguments) as stored:
        spans = stored_options.read_spans(
            stored, collections, arguments["since"], arguments["until"]
        )
        events, count = _differ(stored, spans), 0
        with Sink(spec, terminal.open_output()) as sink:
            # Some at a time, since the first decide how wide the columns of a table are.
            while batch := list(islice(events, _BATCH)):
                sink.write([render_event(event, spec) for event in batch])
                count += len(batch)
            sink.finish()
        if arguments["quiet"]:
            return
        differ = "record differs" if count == 1 else "records differ"
        terminal.say(f"{count:,} {differ} since {arguments['since']}: {', '.join(spans)}")


def _differ(
    stored: "TenantHistory", spans: Mapping[str, tuple[str, str]]
) -> "Iterator[RecordEvent]":
    from graphdaemon.store.events import tell_difference

    for collection, (begin, end) in spans.items():
        for difference in stored.differences(collection, begin, end):
            event = tell_difference(collection, difference)
            yield event._replace(name=event.name or stored.name(event.id))
