"""The options that commands share, and the values they stand for."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from graphdaemon.cli.named_files import FileName, name_parameter
from graphdaemon.errors import UsageError
from graphdaemon.settings.text import quote_for_shell

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from graphdaemon.graph.query import Query

Command = TypeVar("Command", bound=Callable[..., Any])


def combine(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return one decorator that adds these options, in this order."""

    def add(command: Command) -> Command:
        # click shows first what was added last, as decorators are applied from below.
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _complete_collections(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> "list[CompletionItem]":
    # Options are built at each start; only a shell that completes a word needs these.
    from click.shell_completion import CompletionItem

    from graphdaemon.graph.catalog import CATALOG

    names = {name: row.role for name, row in CATALOG.items()} | {"members": "of a group: --of"}
    return [
        CompletionItem(name, help=text)
        for name, text in names.items()
        if name.casefold().startswith(incomplete.casefold())
    ]


def _complete_related(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Complete the last of the comma-separated names that `--with` takes."""
    from graphdaemon.graph.catalog import CATALOG

    before, comma, start = incomplete.rpartition(",")
    # Of any collection: click does not tell which, where an option's value is missing.
    known = frozenset[str]().union(*(row.expands for row in CATALOG.values()))
    names = sorted(known - set(before.split(",")))
    return [f"{before}{comma}{name}" for name in names if name.startswith(start)]


def refuse_settings_file(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """
    Return the value of an argument before PARAMETERS, as a callback of click.

    Raises:
        UsageError: It is the settings file, as it would be with the arguments in the wrong order.
    """
    if value.endswith((".json", ".toml")) and Path(value).is_file():
        name = name_parameter(ctx, param)
        raise UsageError(
            f"{name} comes first, and {value} is a file",
            code="option_invalid",
            hint=f"Write the settings file behind it: {ctx.command_path} {name} "
            f"{quote_for_shell(value)}.",
        )
    return value


collection_argument = click.argument(
    "collection",
    metavar="COLLECTION",
    shell_complete=_complete_collections,
    callback=refuse_settings_file,
)

settings_argument = click.argument(
    "parameters", required=False, type=FileName(written=False), metavar="[PARAMETERS]"
)

api_options = combine(
    click.option(
        "--endpoint",
        metavar="URL",
        help="The address of the API, instead of the one in the settings. A path replaces its "
        "last part.",
    ),
    click.option(
        "--scope",
        metavar="SCOPE",
        help="The API's App ID URI followed by /.default, instead of the scope in the settings.",
    ),
)

quiet_option = click.option(
    "--quiet",
    "-q",
    is_flag=True,
    help="Print nothing if all is well, so that cron sends mail only about problems.",
)

verbose_option = click.option(
    "--verbose", "-v", count=True, help="Report each step; give the option twice to see everything."
)


def _join(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> str | None:
    return ",".join(values) or None


select_option = click.option(
    "--select",
    "-s",
    multiple=True,
    callback=_join,
    help="The properties to return, separated by commas; id is added. Repeatable.",
)

group_option = click.option(
    "--of",
    "group",
    metavar="GROUP",
    help="The group whose members to list: its ID, name or mail address.",
)

condition_options = combine(
    click.option(
        "--filter",
        "filter_",
        help="List only what matches this OData filter, such as \"startswith(displayName,'A')\".",
    ),
    click.option("--search", help='List only what matches this search, such as "displayName:ana".'),
)

query_options = combine(
    select_option,
    condition_options,
    click.option(
        "--orderby",
        help='Let Graph sort, such as by "displayName desc". --sort works for every property.',
    ),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        help="Stop after this number of records. With --sort, write the first rows of the sorted "
        "list.",
    ),
    click.option(
        "--with",
        "with_",
        multiple=True,
        callback=_join,
        metavar="NAMES",
        shell_complete=_complete_related,
        help="Also read these related objects of each record, such as manager,memberOf. "
        "Repeatable.",
    ),
)

explode_options = combine(
    click.option(
        "--explode",
        metavar="LIST",
        help="Write a row for each element of this list, such as passwordCredentials.",
    ),
    click.option(
        "--keep-empty",
        is_flag=True,
        help="With --explode: write a row even if the list is empty.",
    ),
)

order_options = combine(
    click.option(
        "--sort",
        metavar="PROPERTY",
        help="Sort by this property, or by one inside it, such as employeeOrgData.division.",
    ),
    click.option(
        "--hold", is_flag=True, help="Print nothing until the list is known to be complete."
    ),
)

proof_options = combine(
    click.option(
        "--proof",
        type=FileName(written=True),
        help="Write the listing record to this file, as JSON.",
    ),
    click.option(
        "--allow-unproved",
        is_flag=True,
        help="Exit with 0 even if the listing is not proved complete.",
    ),
    click.option(
        "--resume",
        type=FileName(written=True),
        help="Record the progress in this file, and resume from it if it exists.",
    ),
    click.option(
        "--within",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Give up after this many seconds; the default is a day.",
    ),
    click.option(
        "--attempts",
        type=click.IntRange(1, 100),
        help="How often to request a page before giving up; the default is 5. If Graph asks to "
        "wait and answers other requests meanwhile, it is four times as often.",
    ),
    click.option(
        "--method",
        type=click.Choice(("auto", "ranges", "prefixes", "chain")),
        default="auto",
        show_default=True,
        help="How to divide the collection into parts; auto finds out which way the service "
        "supports.",
    ),
    click.option(
        "--chains",
        type=click.IntRange(1, 64),
        help="How many pages to request at a time.",
    ),
    click.option(
        "--polite",
        metavar="PERCENT",
        help="Use only this share of the throttle budget, such as 30%, and leave the rest to "
        "others.",
    ),
)


def split_names(text: str | None) -> tuple[str, ...]:
    """The names in a comma-separated list, each once."""
    names = (name.strip() for name in (text or "").split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def read_length(option: str, text: str, examples: str, *, least: float = 1) -> float:
    """
    Return the seconds of a length of time with an end, which an option gives, such as `30d`.

    Raises:
        UsageError: It is none, or has less than `least` seconds.
    """
    from graphdaemon.settings.duration import read_duration

    try:
        seconds = read_duration(text)
    except ValueError:
        seconds = None
    if seconds is None or seconds < least:
        raise UsageError(
            f"{option} {text} is not a length of time",
            code="option_invalid",
            hint=f"Write a time such as {examples}.",
        )
    return seconds


def read_query(arguments: Mapping[str, Any]) -> "Query":
    """The query that the options mean."""
    from graphdaemon.graph.query import Query

    return Query(
        split_names(arguments["select"]),
        arguments["filter_"],
        arguments["search"],
        arguments["orderby"],
        arguments["limit"],
    )


def read_share(text: str | None) -> float:
    """
    The part of the budget that `--polite` leaves to this run: 1 without it.

    Raises:
        UsageError: It is no part of a whole.
    """
    if text is None:
        return 1.0
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?%?", text.strip())
    percent = float(match[1]) if match else 0.0
    if not 1 <= percent <= 100:  # 0.3 would be a third of a hundredth, and is not what was meant
        raise UsageError(
            f"--polite {text} is not a percentage",
            code="option_invalid",
            hint="Give a percentage, such as 30%.",
        )
    return percent / 100
