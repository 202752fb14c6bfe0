"""The token and the API that `graphdaemon doctor --api` examines."""

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdaemon.cli.pasted_text import decode_pasted
from graphdaemon.doctor.api_token import examine_token
from graphdaemon.doctor.finding import Result
from graphdaemon.settings.protected_api import ApiSettings, read_api_settings

if TYPE_CHECKING:
    from graphdaemon.protect.caller import Caller

# What people copy along, out of a request or of a shell.
_AROUND = re.compile(r"(?:authorization:)?\s*(?:bearer\s)?\s*", re.IGNORECASE)
# Tokens have some kilobytes.
_MOST_BYTES = 1 << 20


def read_token(file: Path) -> str:
    """
    Return the token in a file, or on standard input for `-`, without what was copied with it.

    Raises:
        UsageError: It cannot be read, or the token itself was given as the file's name.
    """
    if "eyJ" in str(file):
        # The message of a file that is not there would show it.
        raise click.UsageError(
            "Do not write a token on a command line, where others can see it. Give it on stdin, "
            "with --token -."
        )
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES) if sys.stdin is not None else b""
        else:
            with file.open("rb") as stream:
                content = stream.read(_MOST_BYTES)
    except OSError as error:
        raise click.BadParameter(
            f"{file} cannot be read: {error.strerror}.", param_hint="--token"
        ) from None
    bare = _AROUND.sub("", decode_pasted(content).strip(), count=1).strip("\"' \n")
    if not bare:
        raise click.UsageError(
            "There is no token. Give one on stdin, such as a token from an error log."
        )
    return bare


def examine_api_token(parameters: Path, token: str) -> Iterator[Result]:
    """Yield how the API with these settings would answer a request with the token."""
    from graphdaemon.protect.api import ProtectedApi

    def read() -> ApiSettings:
        settings = read_api_settings(parameters)
        with ProtectedApi(settings) as api:
            api.choose(None)
        return settings

    def validate(settings: ApiSettings) -> str:
        with ProtectedApi(settings) as api:
            return _describe(api.validate(token))

    return examine_token(read, validate, token, time.time())


def _describe(caller: "Caller") -> str:
    named = ", ".join(sorted(caller.roles or caller.scopes)) or "no role"
    return (
        f"{'app' if caller.is_app else 'a user of app'} {caller.client_id} may call, with {named}"
    )
