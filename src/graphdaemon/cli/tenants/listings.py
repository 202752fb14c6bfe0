"""
`graphdaemon list --tenants`: the same collection of every tenant, in one output.

A tenant's records wait on disk for their verdict: of a tenant whose listing failed or is not proved
complete, nothing is written, so that nobody takes a part of it for the whole.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from graphdaemon.cli import terminal
from graphdaemon.cli.api_settings import check_api_settings, read_api_options
from graphdaemon.cli.collection_argument import check_collection, find_members
from graphdaemon.cli.interrupt import run_async
from graphdaemon.cli.named_files import add_file
from graphdaemon.cli.options import read_query, read_share, split_names
from graphdaemon.cli.output_options import read_spec
from graphdaemon.cli.reading import ReadingPlan, add_relations, plan_reading
from graphdaemon.cli.run_listing import (
    count_rows,
    describe_result,
    describe_source,
    is_silent,
    make_unproved,
    narrow,
    read_listing_options,
)
from graphdaemon.cli.tenants.each import (
    DOCUMENT_BEGINNING,
    conclude,
    describe_error,
    do_for_each,
    render_document,
)
from graphdaemon.cli.tenants.folder import load_folder
from graphdaemon.client.client import Client
from graphdaemon.errors import Error, UsageError
from graphdaemon.graph.graph import ATTEMPTS
from graphdaemon.graph.query import Query
from graphdaemon.listing.record import Corrections, ListingRecord
from graphdaemon.output.atomic_file import AtomicFile, find_scratch_folder, open_scratch
from graphdaemon.output.sink import Sink
from graphdaemon.output.spec import OutputSpec
from graphdaemon.output.spool import Spool
from graphdaemon.output.tenant_member import TENANT, add_tenant
from graphdaemon.settings.model import Settings
from graphdaemon.settings.tenants import TenantFile


class _Order(NamedTuple):
    """What is listed of each tenant: the text of the collection, and the options."""

    text: str
    group: str | None
    arguments: Mapping[str, Any]
    query: Query
    readings: Mapping[bool, ReadingPlan]
    share: float
    scratch: Path

    def check(self, settings: Settings) -> str:
        return check_collection(self.text, self.group, graph=settings.is_graph)


def list_tenants(text: str, arguments: Mapping[str, Any], group: str | None = None) -> int:
    """
    List a collection of each tenant of a folder; return the exit code.

    Raises:
        UsageError: The options contradict each other.
        SettingsError: The folder has no settings file.
        OutputError: The records could not be written.
    """
    terminal.configure_log(arguments["verbose"])
    if arguments["resume"] is not None:
        raise UsageError(
            "--resume records the progress of one listing, and --tenants makes several",
            code="option_invalid",
            hint="Leave out --resume, or list the tenants one by one.",
        )
    overrides = read_api_options(arguments)
    files = load_folder(arguments["tenants"], arguments["parameters"], overrides)
    usable = [file.settings for file in files if isinstance(file.settings, Settings)]
    query, share = read_query(arguments), read_share(arguments["polite"])
    order = _Order(text, group, arguments, query, {}, share, Path())
    for settings in usable:
        check_api_settings(settings, overrides)
        order.check(settings)
    is_graph = all(settings.is_graph for settings in usable)
    spec = read_spec(arguments, (), path=text if is_graph else "")
    order = order._replace(readings=_plan_readings(usable, order, spec))
    spec = _choose_spec(order, spec)
    _add_cuts(usable, order)
    proof = _open_proof(arguments["proof"])
    try:
        with Sink(spec, terminal.open_output()) as sink:
            order = order._replace(scratch=_choose_scratch(spec.file))
            outcomes = run_async(_list_all(files, order, sink))
            failures = {name: one for name, one in outcomes.items() if isinstance(one, Error)}
            if len(failures) < len(files) and not (failures and spec.hold):
                sink.finish()
        listed = [one.records for one in outcomes.values() if isinstance(one, ListingRecord)]
        if sink.rows != sum(listed) and not arguments["quiet"]:
            terminal.say(count_rows(sink.rows))
        code = conclude({name: [error] for name, error in failures.items()}, len(files))
        if proof is not None:
            proof.write(render_document({n: _describe(one) for n, one in outcomes.items()}, code))
            proof.commit()
        return code
    finally:
        if proof is not None:
            proof.discard()


async def _list_all(
    files: Sequence[TenantFile], order: _Order, sink: Sink
) -> dict[str, ListingRecord | Error]:
    async def work(name: str, settings: Settings) -> ListingRecord:
        try:
            record = await _list_one(name, settings, order, sink)
        except Error as error:
            listing = error.listing if isinstance(error.listing, ListingRecord) else None
            terminal.say(f"{name}: {listing.summary() if listing else 'failed'}", hang=2)
            raise
        if not is_silent(record, order.arguments):
            for line in describe_result(record, order.readings[settings.is_graph]):
                terminal.say(f"{name}: {line}", hang=2)
        return record

    return await do_for_each(files, work)


async def _list_one(name: str, settings: Settings, order: _Order, sink: Sink) -> ListingRecord:
    """List one tenant into a file of its own, and then, if it is proved, into the output."""
    arguments = order.arguments
    corrections: dict[str, msgspec.Raw | None] = {}

    def correct(given: Corrections) -> None:
        for id_, record in given.items():
            corrections[id_] = None if record is None else add_tenant([record], name)[0]

    with closing(_Scratch(order.scratch)) as scratch:
        async with Client(
            settings, share=order.share, attempts=arguments["attempts"] or ATTEMPTS
        ) as client:
            collection = order.check(settings)
            options = read_listing_options(
                arguments, split_names(arguments["with_"]), settings, collection
            )
            record = await client.collect(
                collection if order.group is None else await find_members(client, order.group),
                narrow(order.query, order.readings[settings.is_graph]),
                write=lambda records: scratch.spool.write(add_tenant(records, name)),
                correct=correct,
                options=options,
            )
        if record.exit_code and not arguments["allow_unproved"]:
            raise make_unproved(record)
        # Nothing is awaited here, so that no other tenant's records come in between.
        for records in scratch.spool.read(corrections):
            sink.write(records)
    return record


class _Scratch:
    """The records of one tenant, on disk, until they are closed."""

    def __init__(self, folder: Path) -> None:
        self._file = open_scratch(folder)
        self.spool = Spool(self._file)

    def close(self) -> None:
        self._file.discard()


def _choose_scratch(file: Path | None) -> Path:
    """The folder where records wait: where the output has room, they have."""
    if file is not None and file.parent.is_dir():
        return file.parent
    return find_scratch_folder()


def _plan_readings(
    usable: Sequence[Settings], order: _Order, spec: OutputSpec
) -> dict[bool, ReadingPlan]:
    """What is read of each tenant, by whether that is Graph or an API of one's own."""
    added = split_names(order.arguments["with_"])
    readings = {}
    for settings in usable:
        source = describe_source(settings, order.check(settings))
        source = add_relations(source, added)._replace(first=(TENANT,))
        readings[settings.is_graph] = plan_reading(source, order.query.select, spec)
    return readings


def _choose_spec(order: _Order, spec: OutputSpec) -> OutputSpec:
    """The output for all, which has columns of its own only where all have the same."""
    specs = {reading.spec for reading in order.readings.values()}
    if len(specs) == 1:
        return specs.pop()
    required = tuple(named for one in specs for named in one.required)
    return spec._replace(finds_columns=True, required=required)


def _add_cuts(usable: Sequence[Settings], order: _Order) -> None:
    """Note the files of learned cuts, which two files of one tenant share."""
    arguments = order.arguments
    plans = {
        read_listing_options(arguments, (), settings, order.check(settings)).plan
        for settings in usable
    }
    for plan in sorted(plan for plan in plans if plan is not None):
        add_file(click.get_current_context(), "the learned cuts", plan, written=True)


def _open_proof(path: Path | None) -> AtomicFile | None:
    return None if path is None else AtomicFile(path, beginning=DOCUMENT_BEGINNING)


def _describe(outcome: ListingRecord | Error) -> dict[str, Any]:
    """What the proof says of one tenant."""
    if isinstance(outcome, Error):
        listing = outcome.listing if isinstance(outcome.listing, ListingRecord) else None
        return {"error": describe_error(outcome), "listing": listing}
    return {"error": None, "listing": outcome}
