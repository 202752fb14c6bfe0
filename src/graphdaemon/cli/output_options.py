"""The options that say how and where records are written, and the value that they describe."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from graphdaemon.cli.named_files import FileName, add_stdout
from graphdaemon.cli.options import combine
from graphdaemon.errors import UsageError
from graphdaemon.output.formats import COMPRESSIONS, FORMATS, is_foreign, read_name
from graphdaemon.output.spec import OutputSpec

format_option = click.option(
    "--format",
    "-f",
    "format_",
    type=click.Choice(FORMATS),
    help="The output format. By default, the ending of --output decides, or else json.",
)

file_options = combine(
    click.option(
        "--output",
        "-o",
        type=FileName(written=True, allow_dash=True),
        help="Write to this file, which appears only when it is complete.",
    ),
    click.option(
        "--compress",
        type=click.Choice(COMPRESSIONS),
        help="How to compress the output. By default, the ending of --output decides (.gz, .zst).",
    ),
    click.option(
        "--query",
        help="Choose and reshape the records with JMESPath, such as '[?mail].{name: displayName}'.",
    ),
    click.option(
        "--raw-cells",
        is_flag=True,
        help="In CSV, leave texts such as =1+1 as they are, "
        "although Excel takes them for formulas.",
    ),
    click.option("--bom", is_flag=True, help="Begin CSV with a byte order mark, as Excel expects."),
)

output_options = combine(format_option, file_options)


def read_spec(
    options: Mapping[str, Any],
    columns: Sequence[str] | None,
    *,
    single: bool = False,
    path: str = "",
) -> OutputSpec:
    """
    Return the output that the options, which are given by name, describe.

    csv, table and parquet show `columns`; where these are None, what the first records have. A
    `single` record stands for itself. `path` is what is read of Graph, which gives parquet its
    types.

    Raises:
        UsageError: The options contradict each other.
    """
    file: Path | None = options["output"] if str(options["output"]) != "-" else None
    if file is None:
        add_stdout(click.get_current_context())
    named = read_name(file) if file is not None else (None, None)
    if file is not None and options["format_"] is None and is_foreign(file):
        raise UsageError(
            f"--output {file.name}: {file.suffix} is not a known output format",
            code="option_invalid",
            hint="Name a .csv, .json, .ndjson, .parquet or .txt file, or choose the format with "
            "--format.",
        )
    format_ = options["format_"] or named[0] or "json"
    if format_ != "csv" and (options["raw_cells"] or options["bom"]):
        option = "--raw-cells" if options["raw_cells"] else "--bom"
        raise UsageError(
            f"{option} works with CSV only, and the format is {format_}",
            code="option_invalid",
            hint=f"Leave {option} out, or add --format csv.",
        )
    if options.get("keep_empty") and options.get("explode") is None:
        raise UsageError(
            "--keep-empty works only together with --explode",
            code="option_invalid",
            hint="Add --explode, such as --explode passwordCredentials, or leave --keep-empty out.",
        )
    return OutputSpec(
        format_,
        tuple(columns or ()),
        file,
        options["compress"] or named[1],
        options["query"],
        # Commands that write a single record have no options of rows.
        options.get("sort"),
        # What is sorted is read whole; without an order, nothing beyond the limit is read.
        limit=options.get("limit") if options.get("sort") else None,
        explode=options.get("explode"),
        keep_empty=options.get("keep_empty", False),
        hold=options.get("hold", False),
        single=single,
        raw_cells=options["raw_cells"],
        bom=options["bom"],
        finds_columns=columns is None,
        path=path,
    )
