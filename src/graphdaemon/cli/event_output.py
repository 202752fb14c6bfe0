"""Events of a store as records that are written: whole as JSON, as sentences in columns."""

from typing import Any

import msgspec

from graphdaemon.cli.output_options import read_spec
from graphdaemon.output.spec import OutputSpec
from graphdaemon.store.events import PropertyChange, RecordEvent

COLUMNS = ("at", "collection", "name", "what", "changed", "id")

# A value that is longer is cut where it stands in a sentence beside others.
_LONGEST = 60


def read_event_spec(arguments: dict[str, Any]) -> OutputSpec:
    """
    Return the output that the options describe: a table, unless they say otherwise.

    Raises:
        UsageError: The options contradict each other.
    """
    named = arguments["format_"] or arguments["output"]
    return read_spec(arguments if named else {**arguments, "format_": "table"}, COLUMNS)


def render_event(event: RecordEvent, spec: OutputSpec) -> msgspec.Raw:
    """Return an event as the record that is written of it."""
    shown: dict[str, Any] = event._asdict()
    if spec.format in {"json", "ndjson"}:
        document = event.document
        shown["document"] = None if document is None else msgspec.Raw(document)
        shown["changed"] = {name: pair._asdict() for name, pair in event.changed.items()}
    else:
        # Parts of a second are for whoever reads the store by them.
        shown["at"] = f"{event.at[:19]}Z"
        # A column has one type, and each event changes other properties.
        shown["changed"] = "; ".join(map(_say, event.changed, event.changed.values()))
        shown["document"] = None if event.document is None else event.document.decode()
    return msgspec.Raw(msgspec.json.encode(shown))


def _say(name: str, change: PropertyChange) -> str:
    return f"{name}: {_shorten(change.before)} → {_shorten(change.after)}"


def _shorten(value: Any) -> str:
    if value is None or value == []:
        return "nothing"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
