"""The pages: what each reads from the store, and the template that shows it."""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from graphdaemon.daemon.page.chart import draw_chart
from graphdaemon.daemon.page.render import render
from graphdaemon.daemon.server import WatchAnswer, WatchRequest
from graphdaemon.daemon.status import StoreStatus, TenantStatus
from graphdaemon.store.activity import read_activity
from graphdaemon.store.events import RecordEvent, tell_versions
from graphdaemon.store.leases import LeaseError
from graphdaemon.store.object_search import find_objects
from graphdaemon.store.rows import StoredTenant
from graphdaemon.store.store import Store
from graphdaemon.store.tenant_history import TenantHistory, read_members, read_value

DAYS = 30
"""How many days the chart shows."""
TENANTS_A_PAGE = 100
MOST_ERRORS = 20
MOST_MATCHES = 50
MOST_EVENTS = 500

_LONGEST_SEARCH = 200
_LONGEST_VALUE = 300


class ShownError(NamedTuple):
    """
    A failure as the page shows it.

    Attributes:
        tenant: The tenant that it is of.
        collection: The collection; empty for a settings file that cannot be used.
        when: When it was; empty if that is not known.
        error: What happened, and the next step.
    """

    tenant: TenantStatus
    collection: str
    when: str
    error: LeaseError


def show_overview(store: Store, request: WatchRequest, status: StoreStatus) -> WatchAnswer:
    """`/`: all tenants, those that are not in step first."""
    sought = request.query.get("q", "")[:_LONGEST_SEARCH].strip().casefold()
    tenants = [one for one in status.tenants if sought in one.name.casefold()]
    first = (_read_page(request) - 1) * TENANTS_A_PAGE
    errors = list(_list_errors(status.tenants))
    return render(
        request,
        "overview.html",
        status=200,
        report=status,
        tenants=tenants[first : first + TENANTS_A_PAGE],
        matching=len(tenants),
        first=first,
        sought=sought,
        errors=errors[:MOST_ERRORS],
        more=len(errors) - len(errors[:MOST_ERRORS]),
        chart=draw_chart(read_activity(store, _today(status), DAYS)),
    )


def show_tenant(store: Store, request: WatchRequest, status: StoreStatus) -> WatchAnswer:
    """`/tenant?name=…&id=…`: one tenant, and its collections."""
    name, id_ = request.query.get("name", ""), request.query.get("id", "")
    tenant = next(
        (one for one in status.tenants if one.name == name and id_ in {"", one.tenant}), None
    )
    if tenant is None:
        return show_absent(request)
    days = read_activity(store, _today(status), DAYS, tenant.number) if tenant.number else []
    return render(
        request,
        "tenant.html",
        report=status,
        tenant=tenant,
        errors=list(_list_errors([tenant])),
        more=0,
        chart=draw_chart(days),
    )


def show_search(store: Store, request: WatchRequest) -> WatchAnswer:
    """`/search?tenant=…&q=…`: objects by ID or name."""
    tenant = _find_tenant(store, request)
    if tenant is None:
        return show_absent(request)
    text = request.query.get("q", "")[:_LONGEST_SEARCH].strip()
    matches = find_objects(store, tenant.number, text, MOST_MATCHES + 1) if text else []
    return render(
        request,
        "search.html",
        tenant=tenant,
        text=text,
        matches=matches[:MOST_MATCHES],
        has_more=len(matches) > MOST_MATCHES,
        most=MOST_MATCHES,
    )


def show_object(store: Store, request: WatchRequest) -> WatchAnswer:
    """`/object?tenant=…&id=…`: what has become of one object, the latest first."""
    tenant, id_ = _find_tenant(store, request), request.query.get("id", "")
    if tenant is None or not id_:
        return show_absent(request)
    history = TenantHistory(store, tenant.id)
    with history.reading():
        versions = history.versions(id_)
        events = [
            event._replace(name=event.name or history.name(event.id))
            for event in tell_versions(versions, history.known_from)
            # Of what it is a member or an owner of, only what has changed.
            if event.id == id_ or event.what != "known"
        ]
        name = history.name(id_)
    if not events:
        return show_absent(request)
    events.sort(key=lambda event: event.at, reverse=True)
    own = [version for version in versions if version.id == id_]
    document = own[-1].document if own else b"{}"
    return render(
        request,
        "object.html",
        tenant=tenant,
        id=id_,
        name=name,
        is_current=bool(own) and own[-1].valid_to is None,
        properties=_list_properties(document),
        events=[(event, _list_changes(event)) for event in events[:MOST_EVENTS]],
        all=len(events),
    )


def show_absent(request: WatchRequest) -> WatchAnswer:
    """What is answered where nothing is."""
    return render(request, "absent.html", status=404)


def show_remote(request: WatchRequest) -> WatchAnswer:
    """What others than this machine are told, unless the page is for them, too."""
    return render(request, "remote.html", status=403)


def show_failure(request: WatchRequest, message: str, hint: str) -> WatchAnswer:
    """What is answered while the store cannot be read."""
    return render(request, "failure.html", status=503, message=message, hint=hint)


def _list_errors(tenants: list[TenantStatus]) -> Iterator[ShownError]:
    """Yield failures: of settings first, then the latest."""
    for tenant in tenants:
        if tenant.error is not None:
            yield ShownError(tenant, "", "", tenant.error)
    rows = [
        ShownError(tenant, one.collection, one.failed, one.error)
        for tenant in tenants
        for one in tenant.collections
        if one.error is not None and one.state != "left_out"
    ]
    yield from sorted(rows, key=lambda row: row.when, reverse=True)


def _read_page(request: WatchRequest) -> int:
    text = request.query.get("page", "")
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 7 else 1


def _today(status: StoreStatus) -> dt.date:
    return dt.date.fromisoformat(status.at[:10])


def _find_tenant(store: Store, request: WatchRequest) -> StoredTenant | None:
    number = request.query.get("tenant", "")
    return next((one for one in store.tenants() if str(one.number) == number), None)


def _list_properties(document: bytes) -> list[tuple[str, str]]:
    members = read_members(document)
    return [(name, _show_value(read_value(raw))) for name, raw in members.items()]


def _list_changes(event: RecordEvent) -> list[tuple[str, str, str]]:
    return [
        (name, _show_value(pair.before), _show_value(pair.after))
        for name, pair in event.changed.items()
    ]


def _show_value(value: object) -> str:
    """Return a value in a line; nothing for one that is unset."""
    if value is None or value == []:
        return ""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
