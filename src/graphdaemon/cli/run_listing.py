"""
Run one listing for a command.

Records go to the output, the listing record to stderr and to `--proof`, and the verdict decides the
exit code.
"""

from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.api_settings import load_api_settings
from graphdaemon.cli.collection_argument import check_collection, find_members
from graphdaemon.cli.interrupt import advising, run_async
from graphdaemon.cli.named_files import add_file
from graphdaemon.cli.options import read_query, read_share, split_names
from graphdaemon.cli.output_options import read_spec
from graphdaemon.cli.progress import ProgressLine
from graphdaemon.cli.reading import (
    ReadingPlan,
    RecordSource,
    add_relations,
    describe_graph,
    plan_reading,
)
from graphdaemon.client.client import Client
from graphdaemon.errors import Error, OutputError, UnprovedError
from graphdaemon.graph.catalog import CATALOG
from graphdaemon.graph.compiled import keep_memory
from graphdaemon.graph.graph import ATTEMPTS
from graphdaemon.graph.query import Query
from graphdaemon.listing.learned_cuts import cuts_path
from graphdaemon.listing.options import ListingOptions
from graphdaemon.listing.record import RECORD_BEGINNING, ListingRecord, OnProgress
from graphdaemon.output.atomic_file import AtomicFile
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from graphdaemon.settings.model import Settings
from graphdaemon.settings.text import quote_for_shell

# Of properties without a column, as many are named as fit into a line or two.
_MOST_NAMED = 10


def run_listing(text: str, arguments: Mapping[str, Any], group: str | None = None) -> None:
    """
    List the collection that `text` names, or the members of `group`, as the options say.

    Raises:
        Error: It failed, or nothing proves that it is complete.
    """
    terminal.configure_log(arguments["verbose"])
    settings = load_api_settings(arguments["parameters"], arguments)
    collection = check_collection(text, group, graph=settings.is_graph)
    query, with_ = read_query(arguments), split_names(arguments["with_"])
    path = "groups/-/members" if group is not None else collection
    base = read_spec(arguments, (), path=path if settings.is_graph else "")
    source = add_relations(describe_source(settings, path), with_)
    reading = plan_reading(source, query.select, base)
    query = narrow(query, reading)
    client = Client(
        settings,
        share=read_share(arguments["polite"]),
        attempts=arguments["attempts"] or ATTEMPTS,
    )
    options = read_listing_options(arguments, with_, client.settings, collection)
    if options.plan is not None:
        add_file(click.get_current_context(), "the learned cuts", options.plan, written=True)
    if options.journal is not None:
        from graphdaemon.listing.journal import check_journal

        check_journal(options.journal)

    async def collect(sink: Sink, on_progress: OnProgress | None) -> ListingRecord:
        async with client:
            return await client.collect(
                collection if group is None else await find_members(client, group),
                query,
                write=sink.write,
                correct=sink.correct if sink.can_correct else None,
                on_progress=on_progress,
                options=options,
            )

    with advising(_say_how_to_go_on(arguments["resume"])):
        _write(collect, collection, reading, arguments)


def _write(
    collect: Callable[[Sink, OnProgress | None], Coroutine[Any, Any, ListingRecord]],
    collection: str,
    reading: ReadingPlan,
    arguments: Mapping[str, Any],
) -> None:
    """Write what `collect` reads to the output that is planned, and report the result."""
    keep_memory()
    spec = reading.spec
    proof = _open_proof(arguments["proof"])
    record = None
    try:
        with (
            Sink(spec, terminal.open_output()) as sink,
            _progress(spec, collection, arguments) as line,
        ):
            record = run_async(collect(sink, line.update if line.is_shown else None))
            unproved = record.exit_code != 0 and not arguments["allow_unproved"]
            # Output that was printed already is ended in good form. A file, or output that is held
            # back, never appears: nobody shall take it for the whole.
            if not (unproved and (spec.file is not None or spec.hold)):
                sink.finish()
        if sink.unshown:
            names = ", ".join(list(sink.unshown)[:_MOST_NAMED])
            terminal.say(f"The first page has no such properties, so they have no column: {names}")
        if arguments["resume"] is not None:
            from graphdaemon.listing.journal import remove_journal

            # The listing has ended. Its records are written, or the next run reads them anew.
            remove_journal(arguments["resume"])
        if unproved:
            raise make_unproved(record)
    except Error as error:
        listing = getattr(error, "listing", None) or record
        if listing is not None:
            # What was held back, or written for a file that never appears, nobody can read.
            is_withheld = spec.file is not None or spec.hold
            # How much of it has left the buffers before the disk was full, nobody knows.
            rows = 0 if is_withheld else None if isinstance(error, OutputError) else sink.rows
            _report_failure(listing, reading, proof, rows)
        raise
    else:
        if not is_silent(record, arguments):
            _say_result(record, reading, sink.rows)
        _write_proof(record, proof)
    finally:
        if proof is not None:
            proof.discard()


def describe_source(settings: Settings, collection: str) -> RecordSource:
    """What is known of a collection; of an API of one's own it is nothing."""
    return describe_graph(collection) if settings.is_graph else RecordSource()


def _say_how_to_go_on(journal: Path | None) -> str:
    if journal is None:
        return "With --resume FILE, a listing that was interrupted can continue where it stopped."
    return f"To continue where it stopped, run it again with --resume {quote_for_shell(journal)}."


def is_silent(record: ListingRecord, arguments: Mapping[str, Any]) -> bool:
    """Whether --quiet leaves nothing to say of a listing: what is not proved is still told."""
    return bool(arguments["quiet"]) and record.exit_code == 0


def narrow(query: Query, reading: ReadingPlan) -> Query:
    """The query of what has to be read."""
    limit = query.limit if reading.spec.limit is None else None
    return query._replace(select=reading.select, limit=limit)


def _say_result(record: ListingRecord, reading: ReadingPlan, rows: int | None) -> None:
    """Write the summary of a listing to stderr."""
    for line in describe_result(record, reading, rows):
        terminal.say(line, hang=2)


def describe_result(
    record: ListingRecord, reading: ReadingPlan, rows: int | None = None
) -> list[str]:
    """
    The lines about a listing.

    What no record has is named, if the user named it; so are the rows where they are not the
    records, or where nobody should take them for the whole.
    """
    names = ", ".join(name for name in record.blank if name in reading.named)
    before = "Empty in every record (not set, or not readable with the app roles of this app): "
    summary = record.summary()
    if rows is not None and (rows != record.records or record.exit_code):
        summary += f"; {count_rows(rows)}"
    lines = [*([before + names] if names else []), reading.advice, summary]
    return [line for line in lines if line]


def count_rows(rows: int) -> str:
    """How many rows were written."""
    return f"{rows:,} row{'' if rows == 1 else 's'} written" if rows else "no row written"


def make_unproved(record: ListingRecord) -> UnprovedError:
    """The failure of a command whose listing is not proved complete."""
    return UnprovedError(
        f"nothing proves that the listing is complete: the check `{record.missing}` did not pass",
        code="listing_unproved",
        hint=f"{record.next_step} To accept it anyway, add --allow-unproved.",
        listing=record,
    )


def _report_failure(
    record: ListingRecord, reading: ReadingPlan, proof: AtomicFile | None, rows: int | None
) -> None:
    """Report a listing that failed, whose error says the rest and decides the exit code."""
    _say_result(record, reading, rows)
    try:
        _write_proof(record, proof)
    except OutputError as failure:
        terminal.say(f"Besides, {failure}")


def _open_proof(path: Path | None) -> AtomicFile | None:
    return None if path is None else AtomicFile(path, beginning=RECORD_BEGINNING)


def _write_proof(record: ListingRecord, proof: AtomicFile | None) -> None:
    """Write a listing record to its file."""
    if proof is not None:
        proof.write(record.to_json())
        proof.commit()


def read_listing_options(
    arguments: Mapping[str, Any], with_: tuple[str, ...], settings: Settings, collection: str
) -> ListingOptions:
    """How the options say that the collection is listed."""
    tenant = settings.authority or settings.oidc_authority or ""
    divided = settings.is_graph and collection in CATALOG
    return ListingOptions(
        method=arguments["method"],
        chains=arguments["chains"] or ListingOptions().chains,
        seconds=arguments["within"] or ListingOptions().seconds,
        plan=cuts_path(settings.graph_root, tenant, collection) if divided else None,
        expand=with_,
        journal=arguments["resume"],
    )


def _progress(spec: OutputSpec, collection: str, arguments: Mapping[str, Any]) -> ProgressLine:
    # Records that are printed on the same terminal already show how far the listing is.
    shown = arguments["quiet"] or (spec.file is None and terminal.is_output_shown())
    return ProgressLine(None if shown else terminal.open_speech(), collection.rpartition("/")[2])
