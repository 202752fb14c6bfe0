"""`graphdaemon doctor`: what it prints, and its exit codes."""

from pathlib import Path

from tests.support.run_command import Command, Run, WriteParameters
from tests.support.scripted_server import ScriptedServer, json_answer


def test_all_is_well(command: Command, parameters: WriteParameters) -> None:
    """Every check has a line with its state in words, and nothing is wrong."""
    outcome = command("doctor", parameters())

    lines = outcome.out.decode().splitlines()
    names = [line.split()[1] for line in lines[:-2]]
    assert outcome.code == 0
    assert names == [
        *("settings", "dns", "tcp", "tls", "clock", "authority", "tenant"),
        *("credential", "token", "registration", "roles", "call"),
    ]
    assert {line.split()[0] for line in lines[:-2]} <= {"ok", "skipped"}
    assert lines[-1] == "Nothing is wrong."


def test_the_first_failure_is_explained_last(command: Command, parameters: WriteParameters) -> None:
    """After the lines: what is wrong, what support asks for, the next step."""
    outcome = command("doctor", parameters(secret="wrong"))

    *_, wrong, correlation, step = outcome.out.decode().splitlines()
    assert wrong == "Wrong: The client secret does not belong to this app."
    assert correlation.startswith("Correlation ID: ")
    assert step.startswith("Try: Put the secret's Value")
    assert (outcome.code, outcome.err) == (4, "")


def test_a_call_that_is_none_is_a_usage_error(
    command: Command, parameters: WriteParameters
) -> None:
    """The form is shown."""
    outcome = command("doctor", parameters(), "--for", "list all users")

    assert outcome.code == 3
    assert '"GET /users"' in outcome.err


def test_colour_is_for_terminals_only(run: Run, parameters: WriteParameters) -> None:
    """A child's pipe gets none."""
    done = run("doctor", parameters())

    assert done.returncode == 0
    assert "\x1b" not in done.stdout


def test_words_of_others_stay_in_their_line(
    command: Command, scripted: ScriptedServer, tmp_path: Path
) -> None:
    """A refusal with line breaks in it cannot pretend to be the next check."""
    scripted.token_answer = json_answer(
        {"error": "invalid_client", "error_description": "AADSTS1: \x1b[2Jgone\r\nok  fake"}, 401
    )

    outcome = command("doctor", scripted.write_parameters(tmp_path))

    assert b"gone" in outcome.out
    assert not any(line.startswith("ok  fake") for line in outcome.out.decode().splitlines())
