"""One module writes to the terminal, and nobody else."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import graphdaemon
from tests.support.run_command import clean_environment

SOURCE = Path(graphdaemon.__file__).parent
HOME = "cli/terminal.py"

# What writes to a standard stream: as a name, as an attribute of a module, or by its number.
BUILT_IN = {"print", "input", "breakpoint", "help"}
ATTRIBUTES = {
    "sys": {"stdout", "stderr", "__stdout__", "__stderr__", "displayhook", "excepthook"},
    "click": {
        *("echo", "secho", "echo_via_pager", "prompt", "confirm", "pause", "clear", "getchar"),
        *("progressbar", "get_text_stream", "get_binary_stream", "style", "launch", "edit"),
    },
    "logging": {"StreamHandler", "lastResort"},
    "os": {"dup2", "system"},
    "traceback": {"print_exc", "print_exception", "print_stack"},
    "warnings": {"showwarning", "simplefilter"},
}


def list_writers(source: str) -> list[str]:
    """What in a module writes to a standard stream."""
    writers = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in BUILT_IN:
                writers.append(name)
            case ast.Call(func=func, args=[ast.Constant(value=1 | 2), *_]) if "open" in (
                name := ast.unparse(func)
            ) or name.startswith("os.write"):
                writers.append(name)
            case ast.Attribute(value=ast.Name(id=module), attr=name):
                if name in ATTRIBUTES.get(module, ()):
                    writers.append(f"{module}.{name}")
            case ast.ImportFrom(module=str(module), names=names):
                taken = {one.name for one in names} & ATTRIBUTES.get(module, set())
                writers += [f"{module}.{name}" for name in sorted(taken)]
            case ast.Call(args=[ast.Constant(value=str(file)), *_]) if file.startswith("/dev/"):
                writers.append(file)
    return writers


def test_one_module_alone_writes_to_the_standard_streams() -> None:
    """What is foreign is escaped there, so that nothing may go around it."""
    writers = {
        str(path.relative_to(SOURCE)): found
        for path in sorted(SOURCE.rglob("*.py"))
        if (found := list_writers(path.read_text("utf-8")))
    }

    assert writers.pop(HOME)
    assert writers == {}


@pytest.mark.parametrize(
    "source",
    [
        "print('x')",
        "import sys\nsys.stdout.write('x')",
        "from sys import stderr",
        "import click\nclick.echo('x')",
        "from click import secho",
        "import logging\nlogging.StreamHandler()",
        "import os\nos.write(1, b'x')",
        "open('/dev/tty', 'w')",
        "open(2, 'w')",
        "import os\nos.fdopen(1, 'w')",
    ],
)
def test_a_second_writer_would_be_seen(source: str) -> None:
    """Each way to write to a stream is known to the claim above."""
    assert list_writers(source)


def run_python(code: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]  # options are subprocess's
        [sys.executable, "-c", f"from graphdaemon.cli import terminal, run\n{code}"],
        env=clean_environment() | {"PYTHONUTF8": "1"},
        check=False,
        **{"capture_output": True} | options,
    )


def test_lone_surrogates_become_escapes_in_a_pipe() -> None:
    """They are no text that could be encoded; in JSON the escape is the same text."""
    done = run_python(r"terminal.print_line('a\ud800b'); terminal.say('c\udc80d')")

    assert (done.stdout, done.stderr) == (b"a\\ud800b\n", b"c\\udc80d\n")


def test_a_stream_that_knows_few_letters_gets_escapes() -> None:
    """An old terminal, or a pipe in another encoding: no traceback."""
    done = run_python(
        "import sys; sys.stdout.reconfigure(encoding='latin-1'); terminal.print_line('é 王')"
    )

    assert done.stdout == "é \\u738b\n".encode("latin-1")


def test_lines_in_a_pipe_are_whole_and_plain() -> None:
    """Neither styles nor line breaks of ours are in a file; theirs are as they came."""
    done = run_python(
        "terminal.say('a\\nb\\x1b[2J ' + 'long ' * 40, lead='ok ', style={'fg': 'red'}, hang=5)\n"
        "terminal.say_lines('c\\nd')\n"
        "terminal.draw(terminal.open_speech(), 'never')"
    )

    assert done.stderr == b"ok a\nb\x1b[2J " + b"long " * 40 + b"\nc\nd\n"


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("import sys; sys.exit(run(['explain', '7000215']))", 7),
        ("import sys; sys.exit(run(['explain', '--json', '7000215']))", 7),
    ],
)
def test_a_full_disk_is_told_of_and_not_a_traceback(code: str, exit_code: int) -> None:
    """Every command's own lines fail as its records do."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        done = run_python(code, capture_output=False, stdout=full, stderr=subprocess.PIPE)

    assert done.returncode == exit_code
    assert b"the output could not be written" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_has_gone_ends_the_command_quietly() -> None:
    """As for records: exit code 141, and nothing is said."""
    reader, writer = os.pipe()
    os.close(reader)
    done = run_python(
        "import sys; sys.exit(run(['explain', '7000215']))",
        capture_output=False,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)

    assert done.returncode == 141
    assert done.stderr == b""


def test_without_anybody_to_speak_to_the_exit_code_stays() -> None:
    """A standard error that is full takes nothing from the result."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        done = run_python(
            "import sys; sys.exit(run(['users', '/nowhere']))",
            capture_output=False,
            stdout=subprocess.PIPE,
            stderr=full,
        )

    assert done.returncode == 3


def test_a_closed_standard_output_is_named() -> None:
    """A shell's `>&-` is no reason to lose the answer in silence."""
    done = run_python("import sys; sys.stdout = None; sys.exit(run(['explain', '7000215']))")

    assert done.returncode == 7
    assert b"there is no standard output" in done.stderr


def test_what_is_no_terminal_is_not_guarded() -> None:
    """A program that uses the command line as a library keeps its streams."""
    done = run_python(
        "import sys; before = sys.stdout; terminal.guard_streams(); print(sys.stdout is before)"
    )

    assert done.stdout == b"True\n"
