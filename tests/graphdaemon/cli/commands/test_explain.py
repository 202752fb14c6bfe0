"""`graphdaemon explain`: numbers and tokens, from arguments and from stdin."""

import io
import json
import re
import time
from pathlib import Path

import pytest

from tests.support.run_command import Command, Run
from tests.support.unsigned_tokens import make_token


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def explain_stdin(
    command: Command, monkeypatch: pytest.MonkeyPatch, text: str | bytes, *arguments: str
) -> tuple[int, str]:
    content = text if isinstance(text, bytes) else text.encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    outcome = command("explain", *arguments)
    return outcome.code, outcome.out.decode()


def test_an_unknown_number_is_admitted(command: Command) -> None:
    """It is not in the table; where to look is said, with the number."""
    outcome = command("explain", "AADSTS999999")

    assert outcome.code == 0
    assert b"not in our table" in outcome.out
    assert b"https://login.microsoftonline.com/error?code=999999" in outcome.out


def test_a_token_on_stdin_is_shown_claim_by_claim_and_not_repeated(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each claim has its sentence; no part of the token is printed."""
    token = make_token(roles=["User.Read.All"], exp=int(time.time()) - 7300)

    code, out = explain_stdin(command, monkeypatch, f"Authorization: Bearer {token}\n")

    assert code == 0
    assert re.search(r"roles +User.Read.All +what the app may do", out)
    assert "expired 2 hours 1 minute ago" in out
    assert not any(part in out for part in token.split("."))


def test_a_dash_is_stdin(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is for `graphdaemon doctor --token -`, and no word to look up."""
    text = "AADSTS7000222: expired"

    assert explain_stdin(command, monkeypatch, text, "-") == explain_stdin(
        command, monkeypatch, text
    )


def test_json_is_for_machines(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same as one object; claims included."""
    text = f"AADSTS7000222: expired\n{make_token(roles=['A.B'])}"

    code, out = explain_stdin(command, monkeypatch, text, "--json")

    error, token = json.loads(out)["explanations"]
    assert code == 0
    assert (error["case"], error["code"], error["known"]) == (
        "secret_expired",
        "secret_expired",
        True,
    )
    assert {one["name"]: one["value"] for one in token["claims"]}["roles"] == "A.B"


def test_nothing_recognised_is_exit_code_2(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what would help is said."""
    code, out = explain_stdin(command, monkeypatch, "it does not work")

    assert code == 2
    assert "Try: " in out


@pytest.mark.parametrize(
    "content",
    [
        "AADSTS7000215: Invalid client secret provided.".encode("utf-16"),
        "AADSTS7000215: Invalid client secret provided.".encode("utf-16-le"),
        b"caf\xe9\nAADSTS7000215: Invalid client secret provided.",
        b"\xef\xbb\xbfAADSTS7000215",
    ],
    ids=["UTF-16 with a mark", "UTF-16 without", "Latin-1", "UTF-8 with a mark"],
)
def test_a_log_is_read_in_whatever_encoding_it_has(
    command: Command, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """Windows PowerShell 5 redirects into UTF-16, and old programs log in Latin-1."""
    code, out = explain_stdin(command, monkeypatch, content)

    assert code == 0
    assert "AADSTS7000215" in out


def test_a_token_as_an_argument_is_refused(command: Command) -> None:
    """Process lists are read by others; the refusal does not repeat it."""
    token = make_token()

    outcome = command("explain", token)

    assert outcome.code == 2
    assert "stdin" in outcome.err
    assert token not in outcome.err


def test_a_terminal_is_not_waited_for(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a code and without a pipe there is nothing to explain."""
    monkeypatch.setattr("sys.stdin", Terminal())

    assert command("explain").code == 2


def test_it_works_without_settings_or_network(run: Run) -> None:
    """The real command, in an empty folder, with every proxy dead."""
    dead = {"HTTPS_PROXY": "http://127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}

    done = run("explain", "AADSTS53003", env=dead)

    assert done.returncode == 0
    assert "Conditional Access" in done.stdout


def test_a_stream_without_an_end_is_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the way to explain a part of a log."""
    with Path("/dev/zero").open(encoding="ascii") as endless:
        monkeypatch.setattr("sys.stdin", endless)
        outcome = command("explain")

    assert outcome.code == 2
    assert "more than 64 MB on stdin" in outcome.err
    assert "tail -n 10000 FILE | graphdaemon explain" in outcome.err
