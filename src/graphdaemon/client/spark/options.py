"""The options of the data sources, as Spark hands them over: texts by names without case."""

from collections.abc import Mapping
from typing import NamedTuple

from graphdaemon.errors import UsageError
from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
from graphdaemon.listing.divided import MOST_PARTS
from graphdaemon.settings.duration import read_duration
from graphdaemon.settings.known_names import find_near
from graphdaemon.store.location import holds_password

_LISTING = ("collection", "select", "filter", "parts", "parameters", "share")
_CHANGES = ("collection", "parameters", "share", "store", "sync", "every", "parts")


class ListingRequest(NamedTuple):
    """
    What the data source `graphdaemon` is to read.

    Attributes:
        collection: Path below the Graph version.
        select: The properties; empty for those that are there by default.
        filter: An OData expression, or None.
        parts: Partitions of the data frame.
        parameters: The settings file on the machine that reads; None looks where `load` looks.
        share: Part of Graph's throttle budget to use.
    """

    collection: str
    select: tuple[str, ...] = ()
    filter: str | None = None
    parts: int = 8
    parameters: str | None = None
    share: float = 1.0


class ChangesRequest(NamedTuple):
    """
    What the data source `graphdaemon-changes` is to read.

    Attributes:
        collection: A collection that a store keeps.
        parameters: As in `ListingRequest`; on the driver alone.
        share: Part of Graph's throttle budget to use.
        store: The URL of the store; None takes that of the settings.
        syncs: The stream brings the store into step itself; otherwise it follows it.
        every: Seconds from one time to the next that it does so, or looks into the store.
        parts: Partitions of a batch at most.
    """

    collection: str
    parameters: str | None = None
    share: float = 1.0
    store: str | None = None
    syncs: bool = True
    every: float = 60.0
    parts: int = 8


def read_listing_options(options: Mapping[str, str]) -> ListingRequest:
    """
    Read the options of a batch.

    Raises:
        UsageError: One is unknown, missing or wrong; it is named.
    """
    values = _collect(options, _LISTING)
    select = tuple(name.strip() for name in values.get("select", "").split(",") if name.strip())
    return ListingRequest(
        _read_collection(values),
        select,
        values.get("filter") or None,
        _read_parts(values),
        values.get("parameters") or None,
        _read_share(values),
    )


def read_changes_options(options: Mapping[str, str]) -> ChangesRequest:
    """
    Read the options of a stream.

    Raises:
        UsageError: One is unknown, missing or wrong; it is named.
    """
    values = _collect(options, _CHANGES)
    collection = _read_collection(values)
    if collection not in STORED_COLLECTIONS:
        raise UsageError(
            f"{collection} is no collection whose changes can be kept",
            code="option_invalid",
            hint=f"Name {', '.join(STORED_COLLECTIONS)}.",
        )
    return ChangesRequest(
        collection,
        values.get("parameters") or None,
        _read_share(values),
        _read_store(values),
        _read_switch(values),
        _read_every(values),
        _read_parts(values),
    )


def _collect(options: Mapping[str, str], known: tuple[str, ...]) -> dict[str, str]:
    values = {name.lower(): value for name, value in options.items()}
    # Spark calls the argument of `load` a path.
    path = values.pop("path", None)
    if path is not None and values.setdefault("collection", path) != path:
        raise UsageError(
            f"the collection is {values['collection']!r}, and load names {path!r}",
            code="option_invalid",
            hint="Name the collection once.",
        )
    for name in values:
        if name not in known:
            near = find_near(name, known)
            raise UsageError(
                f"the data source has no option {name!r}",
                code="option_invalid",
                hint=f"Write {near}." if near else f"The options are {', '.join(known)}.",
            )
    return values


def _read_collection(values: Mapping[str, str]) -> str:
    collection = values.get("collection", "").strip().strip("/")
    if not collection:
        raise UsageError(
            "the option collection is missing",
            code="option_invalid",
            hint='Name it, such as .option("collection", "users").',
        )
    return collection


def _read_parts(values: Mapping[str, str]) -> int:
    text = values.get("parts", "8")
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST_PARTS):
        raise _wrong("parts", text, f"a number from 1 to {MOST_PARTS:,}")
    return int(text)


def _read_share(values: Mapping[str, str]) -> float:
    text = values.get("share", "1")
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise _wrong("share", text, "a part of the throttle budget above 0 and up to 1")
    return share


def _read_store(values: Mapping[str, str]) -> str | None:
    url = values.get("store") or None
    # Options stand in plans and in the event log.
    if url is not None and holds_password(url):
        raise UsageError(
            "the option store holds a password, and Spark shows its options",
            code="option_invalid",
            hint="Put the URL into the settings (store), or the password into PGPASSFILE.",
        )
    return url


def _read_switch(values: Mapping[str, str]) -> bool:
    text = values.get("sync", "true").lower()
    if text not in ("true", "false"):
        raise _wrong("sync", text, "true or false")
    return text == "true"


def _read_every(values: Mapping[str, str]) -> float:
    text = values.get("every", "1m")
    try:
        seconds = read_duration(text)
    except ValueError:
        seconds = None
    if not seconds:
        raise _wrong("every", text, "a time such as 30s, 5m or 1h")
    return seconds


def _wrong(name: str, text: str, expected: str) -> UsageError:
    return UsageError(
        f"the option {name} is {text!r}, which is not {expected}",
        code="option_invalid",
        hint=f"Give {expected}.",
    )
