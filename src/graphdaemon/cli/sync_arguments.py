"""What the arguments and options of `graphdaemon sync` mean."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdaemon.cli import options, terminal
from graphdaemon.cli.named_files import add_file
from graphdaemon.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from graphdaemon.graph.stored_collections import StoredCollection
    from graphdaemon.settings.model import Settings, SyncSettings
    from graphdaemon.sync.feed import Feed
    from graphdaemon.sync.options import SyncOptions
    from graphdaemon.sync.session import Selected


def read_words(words: Sequence[str]) -> tuple[Path | None, list[str]]:
    """
    Tell the settings file from the collections.

    Raises:
        UsageError: There are two that are no collections.
    """
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
    from graphdaemon.settings.known_names import suggest

    known = {name.casefold(): name for name in STORED_COLLECTIONS}
    names = [known[word.casefold()] for word in words if word.casefold() in known]
    others = [word for word in words if word.casefold() not in known]
    unknown = [word for word in others if not Path(word).is_file()]
    if len(others) > 1 or (unknown and suggest(unknown[0], STORED_COLLECTIONS)):
        raise _refuse_name((unknown or others[1:])[0])
    if not others:
        return None, list(dict.fromkeys(names))
    path = Path(others[0])
    add_file(click.get_current_context(), "PARAMETERS", path, written=False)
    return path, list(dict.fromkeys(names))


def _refuse_name(name: str) -> UsageError:
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
    from graphdaemon.settings.known_names import suggest

    return UsageError(
        f"{name} is neither a collection that can be kept in a database nor a settings file",
        code="option_invalid",
        hint=suggest(name, STORED_COLLECTIONS)
        or f"The collections are {', '.join(STORED_COLLECTIONS)}.",
    )


def select_collections(names: Sequence[str], selects: Sequence[str]) -> "list[Selected]":
    """
    What to keep: the collections that were named, or all, each with its properties.

    Raises:
        UsageError: A `--select` names no collection, or one that has no properties to choose.
    """
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS
    from graphdaemon.sync.session import Selected

    chosen = read_selects(selects)
    for name in chosen:
        if names and name not in names:
            raise UsageError(
                f"--select {name}=…: {name} is not synced",
                code="option_invalid",
                hint=f"Add {name} to the collections, or leave the option out.",
            )
    return [
        Selected(stored, chosen.get(name, stored.select))
        for name, stored in STORED_COLLECTIONS.items()
        if not names or name in names
    ]


def read_selects(selects: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """
    Read `users=displayName,mail`; of one collection several add up.

    Raises:
        UsageError: One is of another form, or of a collection without properties to choose.
    """
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    known = {name.casefold(): name for name in STORED_COLLECTIONS}
    chosen: dict[str, tuple[str, ...]] = {}
    for text in selects:
        name, equals, properties = text.partition("=")
        if not equals or not options.split_names(properties):
            raise UsageError(
                f"--select {text}: the collection or its properties are missing",
                code="option_invalid",
                hint="Write it like --select users=displayName,mail.",
            )
        if name.casefold() not in known:
            raise _refuse_name(name)
        stored = STORED_COLLECTIONS[known[name.casefold()]]
        if stored.parent:
            raise UsageError(
                f"--select {text}: the rows of {stored.name} are always kept whole",
                code="option_invalid",
                hint="Leave the option out.",
            )
        before = chosen.get(stored.name, ("id",))
        names = [_read_property(stored, word) for word in options.split_names(properties)]
        chosen[stored.name] = tuple(dict.fromkeys((*before, *names)))
    return chosen


def _read_property(stored: "StoredCollection", name: str) -> str:
    """Return the name of a property as Graph writes it."""
    from graphdaemon.graph.stored_collections import STORED_COLLECTIONS

    if stored.is_relation(name):
        edges = f"{stored.name}/{name.casefold()}"
        raise UsageError(
            f"--select {stored.name}={name}: {name} leads to other objects and is not a property",
            code="option_invalid",
            hint=f"To keep it, sync {edges} as well: graphdaemon sync {stored.name} {edges}."
            if edges in STORED_COLLECTIONS
            else "Leave it out.",
        )
    if not name.isidentifier():
        raise UsageError(
            f"--select {stored.name}={name}: {name} cannot be the name of a property",
            code="option_invalid",
            hint="Write whole names of properties, such as --select users=displayName,mail. "
            "Without the option, the default properties are kept.",
        )
    return stored.spell(name)


def add_store(context: click.Context, url: str) -> None:
    """Note the file of a store, which must not be that of another option."""
    scheme, _, path = url.partition(":")
    if scheme == "sqlite" and path:
        add_file(context, "--store", Path(path), written=True)


def read_length_or_never(option: str, text: str) -> float | None:
    """
    Read a length of time, such as 7d; None for never.

    Raises:
        UsageError: It is none.
    """
    from graphdaemon.settings.duration import read_duration

    try:
        return read_duration(text)
    except ValueError:
        raise UsageError(
            f"{option} {text} is not a length of time",
            code="option_invalid",
            hint=f"Write a time such as {option} 7d, 12h, 30m or 90s, or never.",
        ) from None


def read_options(arguments: Mapping[str, Any]) -> "SyncOptions":
    """
    How the sync is made, as far as the options say it.

    Raises:
        UsageError: One of them cannot be understood; it is named.
    """
    from graphdaemon.listing.options import ListingOptions
    from graphdaemon.sync.guard import read_allowance
    from graphdaemon.sync.options import WEEK_S, SyncOptions

    allowance, chains = arguments["allow_deletes"], arguments["chains"]
    every = arguments["reconcile_every"]
    return SyncOptions(
        wait=arguments["wait"],
        allowance=None if allowance is None else read_allowance(allowance),
        reconcile=arguments["reconcile"],
        reconcile_every=WEEK_S
        if every is None
        else read_length_or_never("--reconcile-every", every),
        allow_unproved=arguments["allow_unproved"],
        listing=ListingOptions() if chains is None else ListingOptions(chains=chains),
    )


def read_feed(arguments: Mapping[str, Any]) -> "Callable[[Settings, ExitStack], Feed | None]":
    """
    What makes the change feed of the settings.

    Raises:
        UsageError: Two things would be written to standard output, or the address is not https.
    """
    target, letters = arguments["feed"], arguments["dead_letters"]
    given = read_length_or_never("--feed-patience", arguments["feed_patience"])
    patience = math.inf if given is None else given
    if target == "-" and arguments["as_json"]:
        raise UsageError(
            "--feed - and --json would both write to standard output",
            code="option_invalid",
            hint="Write the report to a file instead: --proof FILE.",
        )
    if target is not None and "://" in target:
        from graphdaemon.sync.webhook import show_address

        # Before anything is said of a secret, or asked of Graph.
        show_address(target)
    elif target is not None:
        add_file(click.get_current_context(), "--feed", Path(target), written=True)

    def make(settings: "Settings", stack: ExitStack) -> "Feed | None":
        if target is None:
            return None
        if "://" in target:
            from graphdaemon.http.transport import Transport
            from graphdaemon.sync.webhook import Webhook, WebhookOptions

            secret = read_feed_secret(settings.sync)
            made = WebhookOptions(target, secret, letters, patience)
            transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)
            stack.callback(transport.close)
            return Webhook(made, transport)
        from graphdaemon.sync.feed import OutputFeed
        from graphdaemon.sync.feed_file import FileFeed

        return OutputFeed(_print) if target == "-" else FileFeed(Path(target))

    return make


def read_feed_secret(settings: "SyncSettings") -> str:
    """
    Return what the change feed is signed with.

    Raises:
        SettingsError: There is nothing, or its file cannot be read.
    """
    if settings.feed_secret is not None:
        return settings.feed_secret.reveal()
    from graphdaemon.settings.file_content import read_small_file
    from graphdaemon.settings.text import clean, decode_text

    path = settings.feed_secret_file
    try:
        text = clean(decode_text(read_small_file(path))) if path is not None else ""
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text:
        raise SettingsError(
            "requests to the address of the change feed must be signed, and there is no secret "
            "for that" + (f": {path} cannot be read, or is empty" if path is not None else ""),
            code="secret_unreadable" if path is not None else "setting_missing",
            hint="Set GRAPHDAEMON_FEED_SECRET to the secret that the receiver knows, or "
            "feed_secret_file to a file that contains it.",
        )
    return text


def _print(data: bytes) -> None:
    from graphdaemon.output.stream import bytes_of, flush, put

    stream = bytes_of(terminal.open_output())
    put(stream, data)
    flush(stream)
