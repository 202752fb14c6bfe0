"""No option is taken twice with the last winning in silence."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import click
import pytest

from graphdaemon.cli import cli
from graphdaemon.cli.command import StrictCommand
from tests.support.run_command import Command
from tests.support.scripted_server import ScriptedServer, page


class Leaf(NamedTuple):
    """A command, and the words that call it."""

    words: tuple[str, ...]
    command: click.Command


def list_leaves(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[Leaf]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from list_leaves(command, (*words, name))
        else:
            yield Leaf((*words, name), command)


assert isinstance(cli, click.Group)
LEAVES = list(list_leaves(cli))
OPTIONS = [
    (leaf, option)
    for leaf in LEAVES
    for option in leaf.command.params
    if isinstance(option, click.Option)
]


def write(option: click.Option, word: str = "text") -> list[str]:
    """The option with a value that it takes: `word`, if it takes any."""
    name = max(option.opts, key=len)
    if option.is_flag or option.count:
        return [name]
    if isinstance(option.type, click.Choice):
        return [name, str(option.type.choices[0])]
    is_number = isinstance(option.type, (click.IntRange, click.FloatRange))
    return [name, "1" if is_number or option.type is click.INT else word]


def name_of(value: object) -> str:
    if isinstance(value, Leaf):
        return " ".join(value.words)
    return str(getattr(value, "opts", [""])[0])


@pytest.mark.parametrize("leaf", LEAVES, ids=name_of)
def test_every_command_is_strict(leaf: Leaf) -> None:
    """A new command is, too; and none has an option that one word turns on and another off."""
    assert isinstance(leaf.command, StrictCommand)
    options = [one for one in leaf.command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if one.secondary_opts] == []


@pytest.mark.parametrize(("leaf", "option"), OPTIONS, ids=name_of)
def test_an_option_of_one_value_is_refused_when_given_twice(
    leaf: Leaf, option: click.Option
) -> None:
    """All others may be: their values are taken together, or say the same twice."""
    is_single = not (option.multiple or option.count or option.is_flag)
    said = ""
    try:
        # Two words, since a file that is written must not be named twice.
        words = [*write(option), *write(option, "other")]
        # A command remembers how it is asked for help, and others will look at it.
        leaf.command.make_context(leaf.words[-1], words, **cli.context_settings)
    except click.UsageError as error:
        said = error.format_message()

    name = max(option.opts, key=len)
    assert (said == f"{name} is given more than once. Give it once.") is is_single


def test_a_short_and_a_long_name_are_one_option(command: Command) -> None:
    """-f csv and --format json, with an equals sign too."""
    outcome = command("users", "-f", "csv", "--format=json")

    assert outcome.code == 2
    assert "Error: --format is given more than once. Give it once." in outcome.err


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--certificate", "--secret"), "--certificate and --secret"),
        (("--secret", "--certificate"), "--secret and --certificate"),
        (("--browser", "--az"), "--browser and --az"),
        (("--device-code", "--browser"), "--device-code and --browser"),
    ],
)
def test_flags_that_decide_the_same_exclude_each_other(
    command: Command, words: tuple[str, ...], names: str
) -> None:
    """Who signs in, and how the app proves who it is, is said once."""
    outcome = command("register", *words)

    assert outcome.code == 2
    assert f"{names} exclude each other" in outcome.err


def test_two_lists_of_properties_are_taken_together(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """The first is not lost."""
    scripted.script = [page({"id": "1", "a": 1, "b": 2, "c": 3})]

    outcome = command(
        "users",
        scripted.write_parameters(tmp_path),
        *("--select", "a,b", "--select", "b", "-s", "c", "--method", "chain"),
        *("-f", "csv", "--allow-unproved", "--attempts", "1"),
    )

    assert outcome.out.decode().splitlines() == ["a,b,c", "1,2,3"]
    targets = [unquote(request.target) for request in scripted.requests]
    assert any("$select=id,a,b,c" in target for target in targets)


def test_a_header_is_given_once(command: Command, scripted: ScriptedServer, tmp_path: Path) -> None:
    """Its values may be many, in one; in whatever case its name is written."""
    path = scripted.write_parameters(tmp_path)
    twice = ("--header", "Prefer: return=minimal", "--header", "prefer: respond-async")

    outcome = command("request", "GET", "users", path, *twice)

    assert outcome.code == 2
    assert "--header Prefer is given more than once" in outcome.err
    assert scripted.requests == []
