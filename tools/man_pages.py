"""
Man pages of the commands, as roff, from the same commands as docs/reference/cli.md.

``man graphdaemon-list`` shows one. They are committed below docs/man, so that a package can be
built where nothing but its sources is there, and every kind of package installs them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from graphdaemon import __version__
from graphdaemon.cli import _PURPOSES, cli
from graphdaemon.errors import EXIT_CODES
from graphdaemon.settings.table import SETTINGS

PROGRAM = "graphdaemon"
_WIDTH = 10_000
"""Lines are broken by who shows the page, not here."""


def render() -> dict[str, str]:
    """The text of each page, by its file's name."""
    return {
        f"{'-'.join(path)}.1": _page(path, command) for path, command in list_commands(cli, PROGRAM)
    }


def list_commands(
    command: click.Command, *path: str
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Each command with the words that call it, its group before it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None, f"{name} is listed"
            yield from list_commands(child, *path, name)


def _page(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(
        command,
        info_name=" ".join(path),
        terminal_width=_WIDTH,
        max_content_width=_WIDTH,
        **cli.context_settings,
    )
    summary = command.get_short_help_str(limit=_WIDTH).rstrip(".")
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [
        '.\\" Made from the code by `make docs`; change the code, not this page.',
        f'.TH {_escape("-".join(path).upper())} 1 "" "{PROGRAM} {__version__}" "User Commands"',
        ".SH NAME",
        f"{_escape('-'.join(path))} \\- {_escape(summary)}",
        ".SH SYNOPSIS",
        f"\\fB{_escape(' '.join(path))}\\fR {_escape(usage)}",
        ".SH DESCRIPTION",
        *_paragraphs(inspect.cleandoc(command.help or "")),
        ".SH OPTIONS",
        *_options(command, context),
        *_commands(path, command, context),
        *(_root() if len(path) == 1 else _see_also(path)),
    ]
    return "\n".join(parts) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield _prose(" ".join(paragraph.split()))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        # An argument is explained in the description, by its name.
        if isinstance(parameter, click.Option) and record is not None:
            names, meaning = record
            yield from _tagged(_option(names), _prose(meaning))


def _option(names: str) -> str:
    """The names of an option in bold, what stands for its value in italics."""
    words = re.split(r"(\s+|, )", names)
    return "".join(
        f"\\fB{_escape(word)}\\fR"
        if word.startswith("-")
        else (f"\\fI{_escape(word)}\\fR" if word.strip(", ") else word)
        for word in words
    )


def _commands(
    path: tuple[str, ...], command: click.Command, context: click.Context
) -> Iterator[str]:
    if not isinstance(command, click.Group):
        return
    if len(path) == 1:
        for purpose, rows in _PURPOSES.items():
            yield f".SH {_escape(purpose.upper())}"
            for name, meaning in rows.items():
                yield from _tagged(_reference(*path, name), _prose(meaning))
        return
    yield ".SH COMMANDS"
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None, f"{name} is listed"
        yield from _tagged(_reference(*path, name), _prose(child.get_short_help_str(limit=_WIDTH)))


def _root() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_CODES.items():
        yield from _tagged(f"\\fB{code}\\fR", _prose(meaning))
    yield ".SH ENVIRONMENT"
    yield _prose("Each setting has a variable, which beats the settings file:")
    for row in SETTINGS:
        if row.variables:
            names = ", ".join(f"\\fB{name}\\fR" for name in row.variables)
            yield from _tagged(names, _prose(row.meaning))
    yield ".SH FILES"
    yield from _tagged(
        "\\fIparameters.json\\fR", "The settings, in the folder where the command runs."
    )


def _see_also(path: tuple[str, ...]) -> Iterator[str]:
    yield ".SH EXIT STATUS"
    yield f"0 where all is done; the others are explained in {_reference(PROGRAM)}."
    yield ".SH SEE ALSO"
    yield _reference(*path[:-1])


def _reference(*path: str) -> str:
    return f"\\fB{_escape('-'.join(path))}\\fR(1)"


def _tagged(tag: str, text: str) -> tuple[str, str, str]:
    return ".TP", tag, text


def _prose(text: str) -> str:
    """Running text: what is marked as code becomes bold."""
    parts = re.split(r"`([^`]+)`", text)
    return _escape(parts[0]) + "".join(
        f"\\fB{_escape(code)}\\fR{_escape(after)}"
        for code, after in zip(parts[1::2], parts[2::2], strict=True)
    )


def _escape(text: str) -> str:
    """Text that roff shows as it is: its own signs, and lines that would look like requests."""
    shown = (
        text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    )
    shown = shown.replace("^", "\\(ha").replace("~", "\\(ti").replace('"', "\\(dq")
    return re.sub(r"^(?=\.)", r"\\&", shown, flags=re.MULTILINE)
