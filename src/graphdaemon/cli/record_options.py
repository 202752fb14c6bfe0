"""The option of a recording, and what is said when it cannot be written."""

from pathlib import Path

import click

from graphdaemon.cli.named_files import FileName
from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import OutputError

record_option = click.option(
    "--record",
    type=FileName(written=True, dir_okay=False),
    help="Record every request and answer in this file, without secrets and names.",
)


def explain_recording(path: Path | None, error: OSError) -> None:
    """
    Say that a recording could not be written, if that is what failed.

    Raises:
        OutputError: The error is about the recording.
    """
    if path is not None and error.filename == str(path):
        raise OutputError(
            f"The recording cannot be written to {path}: {error.strerror}.",
            code="output_failed",
            hint=advise(error.errno, "name another file with --record"),
        ) from None
