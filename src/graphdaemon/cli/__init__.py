"""The command line: it parses, calls one function and prints. Every failure is shown here."""

import contextlib
import gc
import importlib
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from graphdaemon import __version__
from graphdaemon.cli import terminal
from graphdaemon.errors import Error, GraphError, IdentityError, OutputClosedError, OutputError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# A command's module is imported when the command runs, so that what it needs is its own cost; the
# summaries stand here for the same reason, and a test keeps them true.
_PURPOSES = {
    "To begin": {
        "quickstart": "Show the whole job on a pretend tenant.",
        "register": "Register the app in a tenant, or repair its registration.",
        "consent": "Print the page where an administrator consents.",
        "certificate": "Make or rotate the app's certificate.",
    },
    "To read the directory": {
        "users": "List the users of the directory.",
        "list": "List a collection of the directory.",
        "get": "Get one object.",
        "count": "Print how many records a collection has.",
        "report": "Report on credentials, stale objects and permissions.",
        "request": "Send any request, as the app.",
    },
    "To keep a database": {
        "sync": "Bring a database into step with the directory.",
        "run": "Keep a database in step with the directory, continuously.",
        "status": "Show how up to date a store is, and what fails.",
        "diff": "Show what has changed since a given time, from a store.",
        "history": "Show the history of one object, from a store.",
        "export": "Write what a store holds to files that other programs read.",
    },
    "To find out why": {
        "doctor": "Find out why it does not work.",
        "explain": "Explain an error or a token, offline.",
        "token": "Show what the app's token says.",
    },
    "To test programs": {
        "emulator": "Run a pretend tenant for trying and testing.",
        "record": "Record what a program exchanges with its own tenant.",
    },
    "For the shell": {
        "completion": "Print the script that completes commands.",
    },
}
_COMMANDS = {name: text for commands in _PURPOSES.values() for name, text in commands.items()}


_OBJECTS_BETWEEN = 50_000
"""After so many new objects Python looks for garbage; its default, 700, suits small programs."""


@contextlib.contextmanager
def _noticing_readers() -> Iterator[None]:
    """Notice that the reader has gone, which click takes for a failure while it prints help."""
    try:
        yield
    except BrokenPipeError:
        raise OutputClosedError from None


class _LazyGroup(click.Group):
    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        with _noticing_readers():
            return super().make_context(*arguments, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _noticing_readers():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            if ctx.resilient_parsing:  # a shell asks what could come next
                return None
            import difflib

            near = difflib.get_close_matches(cmd_name, _COMMANDS, n=1)
            ctx.fail(f"No such command {cmd_name!r}." + "".join(f" Try {name}." for name in near))
        module = importlib.import_module(f"graphdaemon.cli.commands.{cmd_name}")
        # The function cannot be called list: it would hide Python's own.
        command = getattr(module, cmd_name, None) or getattr(module, f"{cmd_name}_")
        assert isinstance(command, click.Command), f"{cmd_name} names a command"
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        # Not click's own, which loads every command to ask for its summary.
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=_COMMANDS[name]) for name in names]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002  click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        width = max(map(len, _COMMANDS))
        for purpose, commands in _PURPOSES.items():
            with formatter.section(purpose):
                # One width, so that the summaries of all sections stand below one another.
                formatter.write_dl([(name.ljust(width), text) for name, text in commands.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """
    Read a Microsoft Entra ID directory as an app, with no user signed in.

    New here? `graphdaemon quickstart` shows the whole job on a pretend tenant.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line, and exit with one of the documented exit codes."""
    # What is imported stays to the end. Searching it for garbage costs a tenth of the start, and
    # taking it apart at the end up to two tenths.
    gc.set_threshold(_OBJECTS_BETWEEN)
    gc.freeze()
    terminal.guard_streams()
    code = run(arguments)
    gc.freeze()
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        # By itself click would print errors in its own form, and exit with its own codes.
        code = cli.main(arguments, prog_name="graphdaemon", standalone_mode=False)
    except click.ClickException as error:
        _show_usage_error(error)
        return error.exit_code
    except OutputClosedError:
        terminal.forget_output()
        # 128 and SIGPIPE, as shells report a program whose reader has gone; 130 below is SIGINT.
        return 141
    except Error as error:
        show(error)
        if isinstance(error, OutputError):
            terminal.forget_output()
        return error.exit_code
    except OSError as error:
        return _end_by_system(error)
    except (KeyboardInterrupt, click.Abort) as error:
        terminal.say("Interrupted: what was printed so far is incomplete.")
        # click raises its own in place of the one that says how to go on.
        for step in (error.__cause__ or error).args:
            terminal.say(f"Try: {step}")
        return 130
    return code if isinstance(code, int) else 0


def _end_by_system(error: OSError) -> int:
    """
    End a command for which the machine had no room, or no more files to open.

    Where a part of the program can say more about what it writes, it has raised its own error.
    """
    from graphdaemon.diagnosis.file_errors import OF_THE_MACHINE, advise

    if error.errno not in OF_THE_MACHINE:
        raise error
    place = error.filename or "what this command writes"
    failure = OutputError(
        f"{place} could not be written: {error.strerror}",
        code="output_failed",
        hint=advise(error.errno, "write elsewhere"),
    )
    show(failure)
    terminal.forget_output()
    return failure.exit_code


def _show_usage_error(error: click.ClickException) -> None:
    """Print what click reports about a command line, in click's form."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        terminal.say_lines(context.get_usage())
        terminal.say(f"Try '{context.command_path} --help' for help.")
        terminal.say()
    terminal.say_lines(f"Error: {error.format_message()}")


def show(error: Error, indent: str = "") -> None:
    """Print an error: what happened, the IDs that support asks for, and the next step."""
    # A gateway may quote the request that it refuses, token and all.
    from graphdaemon.log import redact

    lines = [f"Error: {error}"]
    if isinstance(error, IdentityError) and error.correlation_id:
        lines.append(f"Correlation ID: {error.correlation_id}")
    if isinstance(error, GraphError) and error.request_id:
        lines.append(f"Request ID: {error.request_id}")
    if error.hint:
        lines.append(f"Try: {error.hint}")
    for line in lines:
        terminal.say(redact(line), indent=indent, hang=5)
