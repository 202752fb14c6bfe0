"""Describe the metrics of the daemon as its table says."""

from collections.abc import Iterator

from graphdaemon.daemon.metrics import METRICS

_PROSE = """\
What `graphdaemon run --listen 9464` answers at `/metrics`, in the text format of Prometheus
([how to watch it](../how-to/watch-the-daemon.md)). What has the label `name` comes from the store,
and is the same whichever daemon is asked; counters are those of the process. The process's memory,
CPU and files (`process_…`) come beside them.
"""


def render() -> str:
    """The page's text below its first line."""
    return "\n".join(["# Metrics", "", _PROSE, *_rows(), ""])


def _rows() -> Iterator[str]:
    yield "| metric | type | labels | meaning |\n| --- | --- | --- | --- |"
    for name, kind in METRICS.items():
        labels = ", ".join(f"`{label}`" for label in kind.labels)
        yield f"| `{name}` | {kind.type} | {labels} | {kind.meaning} |"
