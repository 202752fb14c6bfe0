"""The options of `graphdaemon run` by which others watch it, and what they stand for."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from graphdaemon.cli import terminal
from graphdaemon.cli.options import combine
from graphdaemon.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from graphdaemon.daemon.events import DaemonEvent, Tell
    from graphdaemon.daemon.run import Daemon

_LEVELS = ("debug", "info", "warning", "error")

watch_options = combine(
    click.option(
        "--listen",
        metavar="[HOST:]PORT",
        help="Serve /healthz, /readyz, /metrics and a status page over HTTP at this port or "
        "address. The default host is 127.0.0.1.",
    ),
    click.option(
        "--allow-remote",
        is_flag=True,
        help="Let other machines read health and metrics without signing in.",
    ),
    click.option(
        "--allow-remote-page",
        is_flag=True,
        help="Let other machines see the status page too. It shows personal data.",
    ),
    click.option(
        "--allow-host",
        "hosts",
        multiple=True,
        metavar="NAME",
        help="Another host name that requests may use for this machine. Repeatable.",
    ),
    click.option(
        "--traces",
        is_flag=True,
        help="Send OpenTelemetry traces by OTLP over HTTP. The variables of OpenTelemetry, such "
        "as OTEL_EXPORTER_OTLP_ENDPOINT, say where.",
    ),
    click.option(
        "--log",
        type=click.Choice(("text", "json")),
        default="text",
        show_default=True,
        help="How each event is written to standard error.",
    ),
)


class Watched(NamedTuple):
    """
    How a daemon is watched.

    Attributes:
        tell: Is told every event.
        beside: What runs beside its loop.
        note_reload: Is called when settings are to be read again.
    """

    tell: "Tell"
    beside: "tuple[Callable[[Daemon], AbstractAsyncContextManager[object]], ...]"
    note_reload: Callable[[], object]


def read_watch(arguments: Mapping[str, Any]) -> Watched:
    """
    Return how the daemon is to be watched.

    Raises:
        UsageError: The options contradict each other, or a package is missing.
    """
    from graphdaemon.daemon.events import tell_all
    from graphdaemon.daemon.service_manager import ServiceManager
    from graphdaemon.daemon.watch import answer_watchers, examine_daily, feed_watchdog

    manager = ServiceManager()
    listeners = [_make_log(arguments), manager.tell]
    beside: list[Callable[[Daemon], AbstractAsyncContextManager[object]]] = [
        partial(feed_watchdog, manager=manager),
        examine_daily,
    ]
    if arguments["listen"] is not None:
        from graphdaemon.daemon.server import read_listen

        remote, page = arguments["allow_remote"], arguments["allow_remote_page"]
        listening = read_listen(
            arguments["listen"], remote=remote or page, names=arguments["hosts"]
        )
        metrics = _load_metrics()
        listeners.append(metrics.tell)
        beside.append(
            partial(answer_watchers, listening=listening, metrics=metrics, remote_page=page)
        )
    elif arguments["allow_remote"] or arguments["allow_remote_page"] or arguments["hosts"]:
        raise UsageError(
            "--allow-remote, --allow-remote-page and --allow-host work only together with --listen",
            code="option_invalid",
            hint="Add --listen 9464, or leave them out.",
        )
    if arguments["traces"]:
        beside.append(_load_traces())
    return Watched(tell_all(*listeners), tuple(beside), manager.note_reload)


def _load_metrics() -> Any:
    try:
        import graphdaemon.daemon.site  # noqa: F401  # both packages are needed: told at the start
        from graphdaemon.daemon.metrics import Metrics
    except ImportError:
        raise UsageError(
            "--listen needs prometheus-client and jinja2, which are not installed",
            code="package_missing",
            hint="Run pip install 'graphdaemon[daemon]'.",
        ) from None
    return Metrics()


def _load_traces() -> "Callable[[Daemon], AbstractAsyncContextManager[object]]":
    try:
        from graphdaemon.daemon.traces import trace
    except ImportError:
        raise UsageError(
            "--traces needs opentelemetry-sdk and its OTLP exporter, which are not installed",
            code="package_missing",
            hint="Run pip install 'graphdaemon[otel]'.",
        ) from None
    return lambda _: trace()


def _make_log(arguments: Mapping[str, Any]) -> "Tell":
    """Return what writes each event that is serious enough as a line to standard error."""
    from graphdaemon.daemon.log_lines import tell_log, write_lines

    verbosity = arguments["verbose"]
    write = write_lines(arguments["log"], terminal.say_lines)
    least = "warning" if arguments["quiet"] else "debug" if verbosity else "info"

    def tell(event: "DaemonEvent") -> None:
        if _LEVELS.index(event.level) >= _LEVELS.index(least):
            write(event)

    tell_log(tell, verbosity)
    return tell
