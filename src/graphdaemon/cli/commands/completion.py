"""`graphdaemon completion`: the script that lets a shell complete commands."""

import click

from graphdaemon.cli.command import StrictCommand

_SHELLS = {
    "bash": 'eval "$(graphdaemon completion bash)"   in ~/.bashrc',
    "zsh": 'eval "$(graphdaemon completion zsh)"   in ~/.zshrc, after compinit',
    "fish": "graphdaemon completion fish | source   in ~/.config/fish/config.fish",
    "powershell": "graphdaemon completion powershell | Out-String | iex   in $PROFILE",
}


@click.command(cls=StrictCommand, epilog="\b\n" + "\n".join(_SHELLS.values()))
@click.argument("shell", type=click.Choice(tuple(_SHELLS)))
def completion(*, shell: str) -> None:
    """
    Print the script that completes commands.

    It completes commands, options, collections and formats. Let your shell read it when it starts:
    """
    from click.shell_completion import get_completion_class

    from graphdaemon.cli import cli, terminal

    kind = get_completion_class(shell)
    assert kind is not None, "every shell named is one that click knows"
    script = kind(cli, {}, "graphdaemon", "_GRAPHDAEMON_COMPLETE").source()
    terminal.print_lines(script.removesuffix("\n"))
