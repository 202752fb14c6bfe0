"""`graphdaemon report`: what a directory's credentials, stale objects and permissions come to."""

import datetime as dt
from pathlib import Path
from typing import Any

import click

from graphdaemon.cli import options, output_options, stored_options
from graphdaemon.cli.command import StrictGroup
from graphdaemon.cli.named_files import FileName
from graphdaemon.cli.options import combine
from graphdaemon.output.formats import FORMATS

_SINCE = "90d"

_shared_options = combine(
    click.option(
        "--fail-on",
        metavar="FINDINGS",
        help="End with exit code 10 if a row has one of these findings; `all` stands for every "
        "finding.",
    ),
    click.option(
        "--only",
        metavar="FINDINGS",
        help="Write only rows with one of these findings; `all` stands for every finding.",
    ),
    click.option(
        "--format",
        "-f",
        "format_",
        type=click.Choice((*FORMATS, "html")),
        help="The output format. By default, the ending of --output decides, or else json.",
    ),
    output_options.file_options,
    click.option("--sort", metavar="PROPERTY", help="Sort by this property of the rows."),
    click.option(
        "--store",
        metavar="URL",
        callback=stored_options.check_store,
        help="Report on what this store contains, without requests to Graph.",
    ),
    stored_options.tenant_option,
    click.option(
        "--attempts",
        type=click.IntRange(1, 100),
        help="How often to request a page before giving up; the default is 5.",
    ),
    click.option(
        "--polite",
        metavar="PERCENT",
        help="Use only this share of the throttle budget, such as 30%, and leave the rest to "
        "others.",
    ),
    options.quiet_option,
    options.verbose_option,
)

_activity_option = click.option(
    "--no-activity",
    is_flag=True,
    help="Do not read Graph's records of use, which exist only in its beta version.",
)

_since_option = click.option(
    "--since",
    default=_SINCE,
    show_default=True,
    metavar="TIME",
    help="Report what has not been seen or used for this long, such as 90d.",
)


@click.group(cls=StrictGroup)
def report() -> None:
    """
    Report on credentials, stale objects and permissions.

    Every report reads whole collections, and fails if they are not proved complete. The exit code
    is 10 if a row has a finding that --fail-on names.
    """


@report.command()
@options.settings_argument
@click.option(
    "--within",
    metavar="TIME",
    help="Write only what has expired or ends within this time, such as 30d. The exit code is 10 "
    "if there is any.",
)
@click.option(
    "--skip-expired",
    metavar="TIME",
    help="Omit what expired longer ago than this, such as 90d; 0d omits everything that has "
    "expired.",
)
@click.option(
    "--longest",
    metavar="TIME",
    help="How long a credential may be valid, such as 180d; by default, the limit of the tenant's "
    "app management policy.",
)
@_activity_option
@_shared_options
def credentials(
    *,
    within: str | None,
    skip_expired: str | None,
    longest: str | None,
    no_activity: bool,
    **arguments: Any,
) -> None:
    """
    Report on every secret and certificate, and when it ends.

    The report covers applications and service principals with their owners, and includes
    certificates that sign SAML tokens and federated credentials. The findings are expired,
    ends_soon, too_long, unused and no_owner. PARAMETERS is the settings file, which is found as for
    `graphdaemon users`.
    """
    from graphdaemon.cli.run_report import read_time, run_report
    from graphdaemon.client.reports.options import ReportOptions

    ending = () if within is None else ("expired", "ends_soon")
    order = ReportOptions(
        within=read_time(within, "--within"),
        longest=read_time(longest, "--longest"),
        skip_expired=read_time(skip_expired, "--skip-expired"),
        activity=not no_activity,
    )
    run_report("credentials", order, arguments, failing=ending, chosen=ending)


@report.command()
@options.settings_argument
@_since_option
@click.option(
    "--of",
    "of",
    default="users,guests,devices",
    show_default=True,
    metavar="KINDS",
    help="What to report on: users, guests and devices, separated by commas.",
)
@_shared_options
def stale(*, since: str, of: str, **arguments: Any) -> None:
    """
    Report on users, guests and devices that have not been seen for a long time.

    The report shows the licences that they hold. The findings are stale, never_seen and licensed.
    To read when users signed in, the app needs AuditLog.Read.All, and the tenant needs Microsoft
    Entra ID P1 or P2. PARAMETERS is the settings file, which is found as for `graphdaemon users`.
    """
    from graphdaemon.cli.run_report import read_time, run_report
    from graphdaemon.client.reports.options import ReportOptions, read_kinds

    order = ReportOptions(since=read_time(since, "--since") or dt.timedelta(), of=read_kinds(of))
    run_report("stale", order, arguments)


@report.command()
@options.settings_argument
@_since_option
@click.option(
    "--high",
    type=click.IntRange(1, 4),
    default=4,
    show_default=True,
    help="The privilege level, as Microsoft publishes it, at which a permission becomes a finding.",
)
@click.option(
    "--run",
    "run_file",
    type=FileName(written=False, exists=True, dir_okay=False),
    metavar="FILE",
    help="A report of a program's run, which says what it needs, from `emulator exec --report-to "
    "run.json`.",
)
@click.option(
    "--app",
    "app_id",
    metavar="ID",
    help="The client ID of that program; by default, the one in the settings.",
)
@_activity_option
@_shared_options
def permissions(
    *,
    since: str,
    high: int,
    run_file: Path | None,
    app_id: str | None,
    no_activity: bool,
    **arguments: Any,
) -> None:
    """
    Report on what each application may do.

    There is a row for each permission that is granted, to the application itself or on behalf of
    users. The findings are high_privilege, unused and unresolved and, compared with a recorded run,
    not_needed, too_broad and not_granted. PARAMETERS is the settings file, which is found as for
    `graphdaemon users`.
    """
    from graphdaemon.cli.run_report import read_file, read_time, run_report
    from graphdaemon.client.reports.options import ReportOptions

    order = ReportOptions(
        since=read_time(since, "--since") or dt.timedelta(),
        high=high,
        run=None if run_file is None else read_file(run_file, "--run"),
        app_id=app_id,
        activity=not no_activity,
    )
    run_report("permissions", order, arguments)
