"""Make a report: read everything that it needs, and judge it."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

import msgspec

from graphdaemon.client.reports.credential_readings import list_credentials
from graphdaemon.client.reports.credentials import CredentialRow
from graphdaemon.client.reports.options import REPORTS, ReportOptions
from graphdaemon.client.reports.permission_readings import list_permissions
from graphdaemon.client.reports.permissions import PermissionRow
from graphdaemon.client.reports.source import Coverage, GraphSource, Source, StoreSource
from graphdaemon.client.reports.stale import StaleRow
from graphdaemon.client.reports.stale_readings import list_stale
from graphdaemon.client.reports.values import write_moment
from graphdaemon.client.reports.work import ReportWork
from graphdaemon.errors import UsageError
from graphdaemon.graph.property_types import PropertyType

if TYPE_CHECKING:
    from graphdaemon.client.client import Client
    from graphdaemon.store.tenant_history import TenantHistory

Row = CredentialRow | StaleRow | PermissionRow
R = TypeVar("R", bound=Row)


ROWS: Mapping[str, type[msgspec.Struct]] = {
    "credentials": CredentialRow,
    "stale": StaleRow,
    "permissions": PermissionRow,
}
"""What a row of each report is."""


class Report(msgspec.Struct, Generic[R], rename="camel"):
    """
    A report: rows with findings, and the proof that the rows are complete.

    Attributes:
        name: `credentials`, `stale` or `permissions`.
        made: When it was made. Everything that depends on the time is judged at this moment.
        rows: A row for each credential, stale object, or permission.
        notes: What is unknown or left out, and why. Each note is a sentence.
        coverage: What was read, and why each part is complete.
    """

    name: str
    made: str
    rows: Sequence[R]
    notes: list[str]
    coverage: list[Coverage]

    def count(self) -> dict[str, int]:
        """Return how many rows have each finding, without the findings that no row has."""
        counts = Counter(finding for row in self.rows for finding in row.findings)
        return {rule: counts[rule] for rule in REPORTS[self.name].rules if counts[rule]}

    def select(self, rules: Iterable[str]) -> "Report[R]":
        """Return the report with only those rows that have one of these findings."""
        chosen = frozenset(rules)
        rows = [row for row in self.rows if not chosen.isdisjoint(row.findings)]
        return msgspec.structs.replace(self, rows=rows)


def find_columns(name: str) -> dict[str, PropertyType]:
    """Return the properties of a report's rows, in their order, each with its type."""
    fields = msgspec.structs.fields(ROWS[name])
    return {field.encode_name: _find_type(field.encode_name, field.type) for field in fields}


def _find_type(name: str, kind: object) -> PropertyType:
    if name.endswith("DateTime"):
        return "time"
    inner = {part for part in get_args(kind) if part is not NoneType} or {kind}
    if list[str] in inner or kind == list[str]:
        return ["text"]
    return "boolean" if bool in inner else "integer" if int in inner else "text"


async def make_report(client: "Client", name: str, options: ReportOptions) -> Report[Row]:
    """
    Make a report of what Graph answers.

    Raises:
        UsageError: There is no such report, or the scope is another API's.
        UnprovedError: Nothing proves that a part of it is complete.
        Error: A part of it cannot be read.
    """
    if not client.settings.is_graph:
        raise UsageError(
            "reports are made from Microsoft Graph, and the scope is that of another API",
            code="option_invalid",
            hint="Use settings whose scope is https://graph.microsoft.com/.default.",
        )
    options = options._replace(app_id=options.app_id or client.settings.client_id)
    return await _make(GraphSource(client), name, options)


async def make_stored_report(
    history: "TenantHistory", name: str, options: ReportOptions
) -> Report[Row]:
    """
    Make a report of what a store has.

    Raises:
        UsageError: There is no such report, or the store does not keep what it needs.
        StoreError: The store cannot be read.
    """
    return await _make(StoreSource(history), name, options)


async def _make(source: Source, name: str, options: ReportOptions) -> Report[Row]:
    makers: Mapping[str, Callable[[ReportWork], Coroutine[Any, Any, Sequence[Row]]]] = {
        "credentials": list_credentials,
        "stale": list_stale,
        "permissions": list_permissions,
    }
    if name not in makers:
        raise UsageError(
            f"there is no report {name}",
            code="option_invalid",
            hint=f"The reports are {', '.join(makers)}.",
        )
    now = (options.now or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(microsecond=0)
    work = ReportWork(source, options, now, [])
    rows = await makers[name](work)
    return Report(name, write_moment(now) or "", rows, work.notes, source.coverage)
