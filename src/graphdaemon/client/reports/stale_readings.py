"""What the report `stale` reads, and its rows."""

from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any

from graphdaemon.client.reports import stale
from graphdaemon.client.reports.options import REPORTS
from graphdaemon.client.reports.source import GraphSource
from graphdaemon.client.reports.stale import StaleRow, StaleRules
from graphdaemon.client.reports.values import read_object, read_text
from graphdaemon.client.reports.work import ABSENT, ReportWork
from graphdaemon.errors import GraphError, UsageError
from graphdaemon.graph.concurrency import gather


async def list_stale(work: ReportWork) -> list[StaleRow]:
    """
    Return the rows of users, guests and devices that were not seen, the oldest first.

    Raises:
        UsageError: Of users, a store knows nothing of the kind.
        Error: They cannot be read.
    """
    source, of = work.source, work.options.of
    rules = StaleRules(work.now, work.options.since)
    readings: list[Coroutine[Any, Any, dict[str, StaleRow]]] = []
    if "users" in of or "guests" in of:
        rules = rules._replace(products=await _read_products(work))
        readings.append(_read_users(work, rules))
    if "devices" in of:
        select = REPORTS["stale"].find_input("devices").select
        readings.append(source.read("devices", select, partial(stale.judge_device, rules=rules)))
    rows = [row for found in await gather(*readings) for row in found.values()]
    return sorted(rows, key=lambda row: (-(row.days if row.days is not None else 10**9), row.id))


async def _read_users(work: ReportWork, rules: StaleRules) -> dict[str, StaleRow]:
    if not isinstance(work.source, GraphSource):
        raise UsageError(
            "a store does not keep when users signed in: no delta tells of it",
            code="option_invalid",
            hint="Ask Graph: leave --store out. Of a store, --of devices can be told.",
        )
    source = work.source
    kinds = {kind for kind in ("user", "guest") if f"{kind}s" in work.options.of}
    # Graph refuses a delta with this property, without which several pages prove nothing. So it is
    # read by itself first, and the proved listing of users says of whom it is missing.
    try:
        known = await source.read_once("users", _ACTIVITY, partial(_keep_old, rules))
    except GraphError as error:
        raise _name_licence(error) from None
    unknown: dict[str, Mapping[str, Any]] = {}

    def judge(record: Mapping[str, Any]) -> StaleRow | None:
        row = stale.judge_user(record, rules)
        return row if row is not None and row.kind in kinds else None

    def make(record: Mapping[str, Any]) -> StaleRow | None:
        id_ = read_text(record, "id") or ""
        if id_ not in known:
            unknown[id_] = record
            return None
        activity = known[id_]
        return None if activity is _LATELY else judge({**record, "signInActivity": activity})

    select = REPORTS["stale"].find_input("users").select
    rows = await source.read("users", [name for name in select if name not in _ACTIVITY], make)
    late = await source.read_each("users", list(unknown), ("id", *_ACTIVITY))
    for id_, one in late.items():
        row = judge({**unknown[id_], "signInActivity": one.get("signInActivity")})
        if row is not None:
            rows[id_] = row
    return rows


def _name_licence(error: GraphError) -> GraphError:
    """Return a refusal of `signInActivity`, which for want of a licence names the licence."""
    if error.case != "licence_missing":
        return error
    return GraphError(
        str(error),
        code=error.code,
        status=error.status,
        hint="When users signed in is told to tenants with Microsoft Entra ID P1 or P2 alone: ask "
        "an administrator which licences this one has, or report on the rest (--of devices).",
        case=error.case,
        graph_code=error.graph_code,
        request_id=error.request_id,
    )


_ACTIVITY = ("signInActivity",)
# In the place of the activity of who was seen lately, which is of most users.
_LATELY: Mapping[str, Any] = {}


def _keep_old(rules: StaleRules, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the activity of a user who may be stale, `_LATELY` of any other."""
    activity = dict(read_object(record, "signInActivity"))
    return _LATELY if stale.is_seen_lately(activity, rules) else activity


async def _read_products(work: ReportWork) -> dict[str, str]:
    if not isinstance(work.source, GraphSource):
        return {}
    try:
        products = await work.source.read_again("subscribedSkus", _read_product)
    except GraphError as error:
        if error.status not in ABSENT:
            raise
        work.note_refused("Licences are shown by ID", error)
        return {}
    return dict(products.values())


def _read_product(record: Mapping[str, Any]) -> tuple[str, str]:
    sku = read_text(record, "skuId") or ""
    return sku, read_text(record, "skuPartNumber") or sku
