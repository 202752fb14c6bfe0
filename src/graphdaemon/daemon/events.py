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
    "address": "Where it answers, such as `http://127.0.0.1:9464`.",
    "changed": "How many tenants have other settings than before.",
    "code": "One of the codes of [errors](errors.md).",
    "collection": "The collection, such as `users` or `groups/members`.",
    "collections": "How many collections each has.",
    "created": "Rows that are new.",
    "cut": "How many tenants were left at the end; what was being written of them was undone.",
    "drift": "Rows that differed though no change was told; null where nothing was compared.",
    "due": "When it is tried again: RFC 3339, UTC.",
    "ended": "Rows that are gone.",
    "every": "The interval, in seconds.",
    "failures": "How often it failed in a row.",
    "hint": "The next step; empty where none is known.",
    "holder": "What this process calls itself in the store.",
    "how": "`baseline`, `round` or `comparison`, as in the [sync report](sync-record.md).",
    "logger": "The part of the program that wrote the line.",
    "message": "What happened.",
    "name": "The name of the tenant's settings file without its ending.",
    "removed": "How many tenants are gone.",
    "requests": "Requests to Graph.",
    "rows": "Rows that the store has of it now.",
    "running": "How many tenants it works at.",
    "seconds": "How long, in seconds; negative for a clock that was set back.",
    "store": "The store's URL, without a password.",
    "tenant": "The tenant's ID; where it is not known yet, what the settings call it.",
    "tenants": "How many tenants.",
    "updated": "Rows that are other than before.",
}
"""What each field of an event means."""


class EventKind(NamedTuple):
    """
    One thing that can happen.

    Attributes:
        level: How much it matters.
        fields: Those that each has, keys of `FIELDS`.
        text: The sentence for people, with fields in braces.
        meaning: What it means to whoever reads the log.
    """

    level: Level
    fields: tuple[str, ...]
    text: str
    meaning: str


EVENTS: Mapping[str, EventKind] = {
    "started": EventKind(
        "info",
        ("store", "every", "tenants", "collections", "holder"),
        "keeping {store} in step every {every:g} s: {tenants} tenants, {collections} collections",
        "The daemon has read its settings, and begins.",
    ),
    "ready": EventKind("info", (), "ready", "The store is open, and work is taken."),
    "standby": EventKind(
        "info",
        ("store",),
        "another process writes to {store}: standing by",
        "A store in SQLite is written by one process; this one takes over when that has ended.",
    ),
    "listening": EventKind(
        "info",
        ("address",),
        "status, health and metrics at {address}",
        "It answers over HTTP from now on.",
    ),
    "settings_failed": EventKind(
        "error",
        ("name", "code", "message", "hint"),
        "{name}: {message}",
        "The settings of one tenant cannot be used; the others go on.",
    ),
    "settings_mended": EventKind(
        "info", ("name",), "{name}: its settings can be used again", "A broken file was mended."
    ),
    "reloaded": EventKind(
        "info",
        ("tenants", "added", "removed", "changed"),
        "settings read again: {tenants} tenants, {added} new, {removed} gone, {changed} changed",
        "After SIGHUP the settings were read again, and hold from now on.",
    ),
    "reload_failed": EventKind(
        "error",
        ("name", "code", "message", "hint"),
        "the old settings stay: {message}",
        "After SIGHUP the settings could not be read; those from before stay.",
    ),
    "unchanged": EventKind(
        "debug",
        ("tenant", "name", "collection", "rows", "seconds"),
        "{name} {collection}: {rows} rows, no change ({seconds:.1f} s)",
        "A collection was in step: a round told of no change. Told with --verbose alone.",
    ),
    "synced": EventKind(
        "info",
        (
            *("tenant", "name", "collection", "how", "rows", "created", "updated", "ended"),
            *("requests", "seconds", "drift"),
        ),
        "{name} {collection}: {rows} rows, {created} created, {updated} updated, {ended} ended "
        "({how}, {requests} requests, {seconds:.1f} s)",
        "A collection was brought into step, and committed: something had changed, or everything "
        "was compared.",
    ),
    "failed": EventKind(
        "error",
        ("tenant", "name", "collection", "code", "message", "hint", "failures", "due"),
        "{name} {collection}: {message}",
        "It could not be brought into step; the store has of it what it had before. "
        "The same failure is told once, until it is over or another one takes its place.",
    ),
    "recovered": EventKind(
        "info",
        ("tenant", "name", "collection", "failures"),
        "{name} {collection}: in step again after {failures} failures",
        "What had failed works again.",
    ),
    "left_out": EventKind(
        "warning",
        ("tenant", "name", "collection", "message"),
        "{name} {collection}: left out: {message}",
        "Nobody named the collection, and the app may not read it.",
    ),
    "lease_lost": EventKind(
        "warning",
        ("tenant", "name", "collection"),
        "{name} {collection}: another daemon has taken over",
        "This process was too slow to renew its lease; what it was writing was undone.",
    ),
    "store_failed": EventKind(
        "error",
        ("code", "message", "hint"),
        "the store cannot be used: {message}",
        "Nothing can be read from or written to the store; it is tried again by itself.",
    ),
    "store_recovered": EventKind(
        "info",
        (),
        "the store can be used again",
        "The store answers again, and what is overdue is done.",
    ),
    "clock_stepped": EventKind(
        "warning",
        ("seconds",),
        "this machine's clock was set by {seconds:.0f} s, or the machine slept",
        "The time of day and the time since the start went apart. What is overdue is done once.",
    ),
    "stopping": EventKind(
        "info",
        ("running",),
        "ending; {running} tenants are worked at",
        "No new work is begun; what is under way is finished or undone.",
    ),
    "stopped": EventKind(
        "info",
        ("cut",),
        "ended",
        "All leases are given back, and the process ends.",
    ),
    "note": EventKind(
        "warning",
        ("logger", "message"),
        "{logger}: {message}",
        "A line of a part of the program that has no event of its own, or of a package that it "
        "uses; its level is that of the line.",
    ),
}
"""Everything that is told, by name."""


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
"""What is told of an event."""


def make_event(name: str, /, *, level: Level | None = None, **fields: object) -> DaemonEvent:
    """
    Return an event that happens now.

    Args:
        name: A key of `EVENTS`.
        level: Another level than that of the table.
        fields: The values, all that the table names and no other.
    """
    kind = EVENTS[name]
    assert fields.keys() == set(kind.fields), f"{name} has {kind.fields}, not {tuple(fields)}"
    ordered = {key: fields[key] for key in kind.fields}
    return DaemonEvent(name, ordered, time.time(), level or kind.level)


def tell_all(*listeners: Tell) -> Tell:
    """Return what tells each of these, one after the other."""

    def tell(event: DaemonEvent) -> None:
        for listener in listeners:
            listener(event)

    return tell
