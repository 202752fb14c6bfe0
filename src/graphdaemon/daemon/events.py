"""
What the daemon tells: each event by a name, with fields, for logs, metrics and traces alike.

`EVENTS` has them all; docs/reference/log-events.md is made of it. None has a field for a secret, a
token or a link.
"""

import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

Level = Literal["debug", "info", "warning", "error"]

FIELDS = {
    "added": "How many tenants are new.",
    "address": "The address at which the daemon answers, such as `http://127.0.0.1:9464`.",
    "changed": "How many tenants have changed settings.",
    "code": "One of the codes of [errors](errors.md).",
    "collection": "The collection, such as `users` or `groups/members`.",
    "collections": "How many collections each tenant has.",
    "created": "How many rows are new.",
    "cut": "For how many tenants the work was broken off at the end. What was being written for "
    "them was rolled back.",
    "drift": "How many rows differed although no change was reported; null if nothing was "
    "compared.",
    "due": "When it is tried again, as RFC 3339 in UTC.",
    "ended": "How many rows are gone.",
    "every": "The interval, in seconds.",
    "failures": "How many times in a row it has failed.",
    "hint": "The next step; empty if none is known.",
    "holder": "The name of this process in the store.",
    "how": "`baseline`, `round` or `comparison`, as in the [sync report](sync-record.md).",
    "logger": "The part of the program that wrote the line.",
    "message": "What happened.",
    "name": "The name of the tenant's settings file without its ending.",
    "removed": "How many tenants are gone.",
    "requests": "How many requests were sent to Graph.",
    "rows": "How many rows of the collection the store has now.",
    "running": "How many tenants the daemon is working on.",
    "seconds": "How many seconds it took; for a clock, by how many it was set, negative if it was "
    "set back.",
    "store": "The store's URL, without a password.",
    "tenant": "The tenant's ID or, while it is not known, its name in the settings.",
    "tenants": "How many tenants.",
    "updated": "How many rows have changed.",
}
"""What each field of an event means."""


class EventKind(NamedTuple):
    """
    One thing that can happen.

    Attributes:
        level: The level of the event.
        fields: The fields of such an event, as keys of `FIELDS`.
        text: The sentence for people, with fields in braces.
        meaning: What it means to a reader of the log.
    """

    level: Level
    fields: tuple[str, ...]
    text: str
    meaning: str


EVENTS: Mapping[str, EventKind] = {
    "started": EventKind(
        "info",
        ("store", "every", "tenants", "collections", "holder"),
        "keeping {store} in step every {every:g} s (tenants: {tenants}, collections: "
        "{collections})",
        "The daemon has read its settings, and starts.",
    ),
    "ready": EventKind("info", (), "ready", "The store is open, and the daemon accepts work."),
    "standby": EventKind(
        "info",
        ("store",),
        "another process writes to {store}: standing by",
        "Only one process can write to a SQLite store. This one takes over when the other one has "
        "ended.",
    ),
    "listening": EventKind(
        "info",
        ("address",),
        "status, health and metrics at {address}",
        "From now on, the daemon answers over HTTP.",
    ),
    "settings_failed": EventKind(
        "error",
        ("name", "code", "message", "hint"),
        "{name}: {message}",
        "The settings of one tenant cannot be used. The other tenants are not affected.",
    ),
    "settings_mended": EventKind(
        "info",
        ("name",),
        "{name}: its settings can be used again",
        "A file that could not be used was corrected.",
    ),
    "reloaded": EventKind(
        "info",
        ("tenants", "added", "removed", "changed"),
        "settings read again (tenants: {tenants}; new: {added}, gone: {removed}, changed: "
        "{changed})",
        "After SIGHUP, the settings were read again, and apply from now on.",
    ),
    "reload_failed": EventKind(
        "error",
        ("name", "code", "message", "hint"),
        "the old settings stay: {message}",
        "After SIGHUP, the settings could not be read. The previous ones still apply.",
    ),
    "unchanged": EventKind(
        "debug",
        ("tenant", "name", "collection", "rows", "seconds"),
        "{name} {collection}: {rows} rows, no change ({seconds:.1f} s)",
        "A collection was already in step: a round reported no change. Only with --verbose.",
    ),
    "synced": EventKind(
        "info",
        (
            *("tenant", "name", "collection", "how", "rows", "created", "updated", "ended"),
            *("requests", "seconds", "drift"),
        ),
        "{name} {collection}: {rows} rows, {created} created, {updated} updated, {ended} ended "
        "({how}, {requests} requests, {seconds:.1f} s)",
        "A collection was brought into step and committed, because something had changed or "
        "everything was compared.",
    ),
    "failed": EventKind(
        "error",
        ("tenant", "name", "collection", "code", "message", "hint", "failures", "due"),
        "{name} {collection}: {message}",
        "The collection could not be brought into step, and the store has not changed. The same "
        "failure is reported only once, until it is over or another one follows.",
    ),
    "recovered": EventKind(
        "info",
        ("tenant", "name", "collection", "failures"),
        "{name} {collection}: in step again (failures before: {failures})",
        "A collection that had failed works again.",
    ),
    "left_out": EventKind(
        "warning",
        ("tenant", "name", "collection", "message"),
        "{name} {collection}: left out: {message}",
        "The collection was not named, and the app may not read it.",
    ),
    "lease_lost": EventKind(
        "warning",
        ("tenant", "name", "collection"),
        "{name} {collection}: another daemon has taken over",
        "This process was too slow to renew its lease. What it was writing was rolled back.",
    ),
    "store_failed": EventKind(
        "error",
        ("code", "message", "hint"),
        "the store cannot be used: {message}",
        "The store can neither be read nor written. The daemon tries again automatically.",
    ),
    "store_recovered": EventKind(
        "info",
        (),
        "the store can be used again",
        "The store can be used again, and overdue work is done.",
    ),
    "clock_stepped": EventKind(
        "warning",
        ("seconds",),
        "this machine's clock was set by {seconds:.0f} s, or the machine slept",
        "The time of day no longer agrees with the time since the start. Overdue work is done "
        "once.",
    ),
    "stopping": EventKind(
        "info",
        ("running",),
        "ending (tenants being worked at: {running})",
        "No new work is started. Current work is finished or rolled back.",
    ),
    "stopped": EventKind(
        "info",
        ("cut",),
        "ended",
        "All leases are released, and the process ends.",
    ),
    "note": EventKind(
        "warning",
        ("logger", "message"),
        "{logger}: {message}",
        "A log line from a part of the program without events of its own, or from a package that "
        "it uses. It keeps its level.",
    ),
}
"""All events by their names."""


class DaemonEvent(NamedTuple):
    """
    One event as it happened.

    Attributes:
        name: A key of `EVENTS`.
        fields: The values, by their names, in the order of the table.
        at: When, in epoch seconds.
        level: How much it matters.
    """

    name: str
    fields: Mapping[str, object]
    at: float
    level: Level

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return EVENTS[self.name].text.format_map(self.fields)


Tell = Callable[[DaemonEvent], object]
"""Is called with an event."""


def make_event(name: str, /, *, level: Level | None = None, **fields: object) -> DaemonEvent:
    """
    Return an event that happens now.

    Args:
        name: A key of `EVENTS`.
        level: A level that differs from the one in the table.
        fields: The values of exactly those fields that the table names.
    """
    kind = EVENTS[name]
    assert fields.keys() == set(kind.fields), f"{name} has {kind.fields}, not {tuple(fields)}"
    ordered = {key: fields[key] for key in kind.fields}
    return DaemonEvent(name, ordered, time.time(), level or kind.level)


def tell_all(*listeners: Tell) -> Tell:
    """Return a function that passes events to each of these, one after another."""

    def tell(event: DaemonEvent) -> None:
        for listener in listeners:
            listener(event)

    return tell
