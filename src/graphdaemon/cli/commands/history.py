"""`graphdaemon history`: what has become of one object."""

from typing import Any

import click

from graphdaemon.cli import options, output_options, stored_options, terminal
from graphdaemon.cli.command import StrictCommand


@click.command(cls=StrictCommand)
@click.argument("id_", metavar="ID")
@stored_options.store_options
@output_options.output_options
@options.verbose_option
def history(*, id_: str, **arguments: Any) -> None:
    """
    Show the history of one object, from a store.

    ID is the object's ID, or GROUP/MEMBER for one membership. Each line is a change that
    `graphdaemon sync` has seen, either of the object itself or of its memberships, its ownerships
    or its manager. It says when the change was seen, and the value of each property before and
    after. JSON also contains the whole object.
    """
    from graphdaemon.cli.event_output import read_event_spec, render_event
    from graphdaemon.errors import UsageError
    from graphdaemon.output.sink import Sink
    from graphdaemon.settings.text import quote_for_shell
    from graphdaemon.store.events import tell_versions

    terminal.configure_log(arguments["verbose"])
    spec = read_event_spec(arguments)
    with stored_options.open_history(arguments) as stored:
        versions = stored.versions(id_)
        if not any(version.id == id_ for version in versions):
            kept = stored.properties("users")
            names = [name for name in ("displayName", "userPrincipalName") if name in kept]
            raise UsageError(
                f"the store {stored.shown} has never had an object with the ID {id_}",
                code="option_invalid",
                hint="Look the ID up: graphdaemon list users --store "
                f"{quote_for_shell(stored.shown)} --select {','.join(('id', *names))} "
                "--format table",
            )
        events = [
            event._replace(name=event.name or stored.name(event.id))
            for event in tell_versions(versions, stored.known_from)
            # Of what it is a member or an owner of, only what has changed.
            if event.id == id_ or event.what != "known"
        ]
        # What happened to it, and to its memberships, in the order in which it was seen.
        events.sort(key=lambda event: event.at)
        with Sink(spec, terminal.open_output()) as sink:
            sink.write([render_event(event, spec) for event in events])
            sink.finish()
