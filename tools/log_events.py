"""Describe the lines of the daemon's log as its table of events says."""

from collections.abc import Iterator

from graphdaemon.daemon.events import EVENTS, FIELDS

_PROSE = """\
What `graphdaemon run` writes to standard error, one line for each event
([how to watch it](../how-to/watch-the-daemon.md)). With `--log json` a line
is an object with `at` (RFC 3339, UTC), `level` (`info`, `warning` or `error`), `event` and the
fields of the event; without it, a sentence behind the time and the level. Events and fields are
only ever added. No line holds a secret, a token or a link.
"""


def render() -> str:
    """The page's text below its first line."""
    return "\n".join(["# Log events", "", _PROSE, *_events(), "", "## Fields", "", *_fields()])


def _events() -> Iterator[str]:
    yield "| event | level | fields | meaning |\n| --- | --- | --- | --- |"
    for name, kind in EVENTS.items():
        fields = ", ".join(f"`{field}`" for field in kind.fields)
        yield f"| `{name}` | {kind.level} | {fields} | {kind.meaning} |"


def _fields() -> Iterator[str]:
    yield "| field | meaning |\n| --- | --- |"
    for name, meaning in FIELDS.items():
        yield f"| `{name}` | {meaning} |"
    yield ""
