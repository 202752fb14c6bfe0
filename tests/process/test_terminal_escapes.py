"""Whatever strangers write, a terminal shows it and obeys none of it; files get it as it is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.pseudo_terminal import (
    HARMFUL,
    HARMFUL_HEADER,
    HARMFUL_LINE,
    list_forged,
    list_harmful,
    run_on_terminal,
)
from tests.support.run_command import Run
from tests.support.scripted_server import Answer, Request, ScriptedServer
from tests.support.unsigned_tokens import make_token

MARK = "hidden"
"""A word of the harmful text: where it is shown, the text has arrived."""

HEADERS = {
    "Content-Type": "application/json",
    "request-id": HARMFUL_HEADER,
    "client-request-id": HARMFUL_HEADER,
    "X-Harmful": HARMFUL_HEADER,
}


def answer(body: object, status: int = 200) -> Answer:
    """An answer whose texts are sent as they are, where JSON does not forbid that."""
    return Answer(status, json.dumps(body, ensure_ascii=False).encode(), HEADERS)


USER = {
    "id": HARMFUL,
    "displayName": HARMFUL,
    "userPrincipalName": HARMFUL,
    "jobTitle": [HARMFUL],
    "manager": {"displayName": HARMFUL},
    HARMFUL: HARMFUL,
}
LISTING = answer({"@odata.context": HARMFUL, "value": [USER]})

# The addresses of what is changed have its ID, and an ID that fits into none is refused.
IDS = dict.fromkeys(("id", "appId", "resourceId", "appRoleId", "principalId", "issuer"), "1")
REGISTERED = answer(USER | IDS | {"value": [USER | IDS]})


def refusal(status: int) -> Answer:
    inner = {"request-id": HARMFUL, "client-request-id": HARMFUL, "date": HARMFUL, "code": HARMFUL}
    details = [{"code": HARMFUL, "message": HARMFUL, "target": HARMFUL}]
    error = {"code": HARMFUL, "message": HARMFUL, "innerError": inner, "details": details}
    return answer({"error": error}, status)


def token_refusal(number: str, status: int = 400, error: str = "invalid_client") -> Answer:
    texts = ("suberror", "trace_id", "correlation_id", "timestamp", "error_uri", "claims")
    body = {"error": error, "error_description": f"{number}: {HARMFUL}", "error_codes": [1]}
    return answer(body | dict.fromkeys(texts, HARMFUL), status)


CLAIMS = {
    "roles": [HARMFUL, "User.Read.All"],
    **dict.fromkeys(("app_displayname", "tid", "appid", "oid", "iss", "ver", "xms_cc"), HARMFUL),
    HARMFUL: HARMFUL,
}


def good_token(value: str | None = None) -> Answer:
    token = value or make_token(**CLAIMS)
    return answer({"token_type": "Bearer", "expires_in": 3599, "access_token": token})


class Case(NamedTuple):
    """
    One command, and what it meets.

    Attributes:
        words: The arguments; `{settings}` is the settings file, `{folder}` the folder.
        graph: What Graph answers.
        token: What the token service answers.
        settings: What the settings file holds besides.
        given: What it gets on standard input.
    """

    words: tuple[str, ...]
    graph: Answer | Callable[[Request], Answer] = LISTING
    token: Answer | None = None
    settings: dict[str, Any] = {}  # noqa: RUF012  nobody changes it
    given: bytes | None = None


SHORT = HARMFUL_LINE[:60]
"""As much of it as the name of a file can hold."""

LISTED = ("--method", "chain", "--attempts", "1", "--allow-unproved")
REGISTER = ("register", "--as", "{settings}", "--output", "{folder}/new.json")
PLAIN = Answer(200, HARMFUL.encode(), HEADERS | {"Content-Type": "text/plain"})
CASES = {
    **{
        f"users-{form}": Case(("users", "{settings}", "-vv", "-f", form, *LISTED))
        for form in ("json", "ndjson", "csv", "table")
    },
    "users-query": Case(("users", "{settings}", "--query", "[].{a: displayName}", *LISTED)),
    "list-groups": Case(("list", "groups", "{settings}", "-f", "table", *LISTED)),
    "list-unknown": Case(("list", f"things{HARMFUL_LINE}", "{settings}", *LISTED), refusal(404)),
    "list-members": Case(
        ("list", "members", "--of", HARMFUL_LINE, "{settings}", *LISTED), refusal(403)
    ),
    "get": Case(("get", "users/1", "{settings}"), answer(USER)),
    "get-table": Case(("get", "users/1", "{settings}", "-f", "table", "-v"), answer(USER)),
    "count": Case(("count", "users", "{settings}"), refusal(400)),
    "request": Case(("request", "GET", "users", "{settings}", "-i", "-vv"), answer(USER)),
    "request-text": Case(("request", "GET", "report", "{settings}", "-i"), PLAIN),
    "request-all": Case(("request", "GET", "users", "{settings}", "--all"), LISTING),
    "request-header": Case(("request", "GET", "users", "{settings}", "--header", HARMFUL_LINE)),
    **{
        f"refused-{status}": Case(("get", "users/1", "{settings}", "-vv"), refusal(status))
        for status in (400, 401, 403, 404, 409)
    },
    "refused-in-html": Case(
        ("get", "users/1", "{settings}"),
        Answer(403, f"<html>{HARMFUL}".encode(), HEADERS | {"Content-Type": "text/html"}),
    ),
    "users-refused": Case(("users", "{settings}", *LISTED), refusal(403)),
    **{
        f"token-{number}": Case(("token", "{settings}", "-vv"), token=token_refusal(number))
        for number in ("AADSTS7000215", "AADSTS700016", "AADSTS1", "")
    },
    "token-error": Case(("token", "{settings}"), token=token_refusal("AADSTS1", error=HARMFUL)),
    "token-claims": Case(("token", "{settings}"), token=good_token()),
    "token-json": Case(("token", "{settings}", "--json"), token=good_token()),
    "doctor": Case(("doctor", "{settings}", "-v"), refusal(403), good_token()),
    "doctor-json": Case(("doctor", "{settings}", "--json"), refusal(403), good_token()),
    "doctor-token": Case(("doctor", "{settings}"), token=token_refusal("AADSTS7000222")),
    "doctor-token-json": Case(("doctor", "{settings}", "--json"), token=token_refusal("AADSTS1")),
    "doctor-settings": Case(("doctor", "{settings}"), settings={"authority": HARMFUL}),
    "explain-json": Case(("explain", "--json"), given=make_token(**CLAIMS).encode()),
    "explain-token": Case(("explain",), given=make_token(**CLAIMS).encode()),
    "explain-log": Case(
        ("explain",),
        given=f"correlation_id: {HARMFUL_LINE} AADSTS7000215: {HARMFUL_LINE}".encode()
        + b'\n{"error": {"code": "Authorization_RequestDenied", "message": "\\u009bhidden"}}',
    ),
    "consent": Case(
        ("consent", "{settings}", "--wait", "1", "--role", HARMFUL_LINE), token=good_token()
    ),
    "register-refused": Case(REGISTER, refusal(403), good_token()),
    "register-conflict": Case((*REGISTER, "--dry-run", "-vv"), refusal(409), good_token()),
    "register-permission": Case(
        (*REGISTER, "--dry-run", "--permission", HARMFUL_LINE),
        REGISTERED,
        good_token(),
    ),
    "register-who": Case(("register", "--federated", HARMFUL_LINE)),
    "rotate": Case(("certificate", "rotate", "{settings}"), settings={"secret": HARMFUL}),
    "certificate": Case(("certificate", "new", "--out", f"{{folder}}/no/{HARMFUL_LINE}.pem")),
    "emulator-import": Case(
        ("emulator", "seed", "--data", "{folder}/t", "--import", f"users={{folder}}/{SHORT}")
    ),
    "emulator-folder": Case(("emulator", "seed", "--users", "3", "--data", f"{{folder}}/{SHORT}")),
    "emulator-listen": Case(("emulator", "serve", "--listen", HARMFUL_LINE)),
    "no-settings": Case(("users", f"{{folder}}/{SHORT}")),
    **{
        f"setting-{name}": Case(("users", "{settings}"), settings={name: HARMFUL})
        for name in ("authority", "client_id", "endpoint", "region")
    },
    **{
        f"setting-{name}": Case(("users", "{settings}"), settings={"secret": None, name: SHORT})
        for name in ("private_key_file", "secret_file")
    },
    "setting-ca_file": Case(("users", "{settings}"), settings={"ca_file": SHORT}),
    "setting-unknown": Case(("users", "{settings}"), settings={HARMFUL: "x"}),
    "no-command": Case((HARMFUL_LINE,)),
    "no-option": Case(("users", f"--{HARMFUL_LINE}")),
    "no-choice": Case(("users", "-f", HARMFUL_LINE)),
    "polite": Case(("users", "--polite", HARMFUL_LINE)),
    "query": Case(("users", "{settings}", "--query", HARMFUL_LINE)),
}


def arguments(case: Case, scripted: ScriptedServer, folder: Path) -> list[str]:
    scripted.script = case.graph if callable(case.graph) else [case.graph]
    scripted.token_answer = case.token
    settings = scripted.write_parameters(folder, **case.settings)
    return [
        word.replace("{settings}", str(settings)).replace("{folder}", str(folder))
        for word in case.words
    ]


# What they are given is used, or refused, and not repeated.
SHOWS_NO_TEXT = {"rotate", "explain-log", "doctor-settings"} | {
    f"setting-{name}" for name in ("authority", "client_id", "endpoint", "region")
}


@pytest.mark.parametrize("name", CASES)
def test_a_terminal_obeys_nobody_but_the_command(
    scripted: ScriptedServer, tmp_path: Path, name: str
) -> None:
    """No sign of a stranger's reaches the terminal as it is, nor does a line begin as they want."""
    case = CASES[name]

    shown = run_on_terminal(*arguments(case, scripted, tmp_path), given=case.given, cwd=tmp_path)

    assert list_harmful(shown) == set()
    assert name == "request-text" or list_forged(shown) == []
    assert "Traceback" not in shown.text
    assert MARK in shown.text or name in SHOWS_NO_TEXT


NOTES = {name: CASES[name] for name in ("users-json", "request", "users-refused", "doctor")}


@pytest.mark.parametrize("name", NOTES)
def test_notes_progress_and_log_are_escaped_beside_a_file_too(
    scripted: ScriptedServer, tmp_path: Path, name: str
) -> None:
    """Standard error is a terminal, and the records go elsewhere."""
    words = arguments(NOTES[name], scripted, tmp_path)

    shown = run_on_terminal(*words, output=tmp_path / "output", cwd=tmp_path)

    assert list_harmful(shown) == set()
    assert list_forged(shown) == []


@pytest.mark.parametrize("form", ["json", "ndjson", "csv"])
def test_a_file_has_the_data_unchanged(
    scripted: ScriptedServer, tmp_path: Path, run: Run, form: str
) -> None:
    """What a terminal shows escaped stands in a file, and in a pipe, as Graph sent it."""
    words = arguments(CASES[f"users-{form}"], scripted, tmp_path)
    file = tmp_path / f"users.{form}"

    piped = run(*words).stdout
    assert run(*words, "--output", file).returncode == 0

    written = file.read_bytes().decode()
    if form == "csv":
        assert f'"{HARMFUL}"' in written
        assert HARMFUL.replace("\r\n", "\n").replace("\r", "\n") in piped  # as Python reads pipes
        return
    first = json.loads(written.split("\n")[0] if form == "ndjson" else written)
    user = first if form == "ndjson" else first["value"][0]
    assert user == USER
    assert written == piped


def test_a_body_that_is_no_json_is_written_byte_for_byte(
    scripted: ScriptedServer, tmp_path: Path, run: Run
) -> None:
    """Whatever its bytes are."""
    body = bytes(range(256)) + HARMFUL.encode()
    scripted.script = [Answer(200, body, {"Content-Type": "application/octet-stream"})]
    file = tmp_path / "photo"

    path = scripted.write_parameters(tmp_path)
    assert run("request", "GET", "photo", path, "-o", file).returncode == 0

    assert file.read_bytes() == body


def test_bytes_that_are_no_text_are_shown_as_escapes(
    scripted: ScriptedServer, tmp_path: Path
) -> None:
    """A photo that is asked for by mistake leaves the terminal as it was."""
    body = bytes(range(256))
    scripted.script = [Answer(200, body, {"Content-Type": "application/octet-stream"})]

    shown = run_on_terminal("request", "GET", "photo", scripted.write_parameters(tmp_path))

    assert list_harmful(shown) == set()
    assert r"\x9b" in shown.text


def test_json_in_a_pipe_has_the_claims_unchanged(
    scripted: ScriptedServer, tmp_path: Path, run: Run
) -> None:
    """Machines get what the token says, and not what a terminal may show of it."""
    done = run(*arguments(CASES["token-json"], scripted, tmp_path))

    assert HARMFUL in find_texts(json.loads(done.stdout))


def find_texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for text in find_texts(list(item))]
    if isinstance(value, list):
        return [text for item in value for text in find_texts(item)]
    return [value] if isinstance(value, str) else []


def test_what_nobody_meant_to_print_is_escaped_too() -> None:
    """Tracebacks of bugs, warnings and logs of others go to the same guarded stream."""
    code = (
        "import logging, sys, warnings\n"
        "from graphdaemon.cli import terminal\n"
        "terminal.guard_streams()\n"
        "text = sys.stdin.buffer.read().decode()\n"
        "warnings.warn(text)\n"
        "logging.getLogger('other').error(text)\n"
        "print(text)\n"
        "sys.stdout.buffer.write(text.encode())\n"
        "raise RuntimeError(text)\n"
    )

    shown = run_on_terminal(program=("-c", code), given=HARMFUL.encode())

    assert shown.text.count(MARK) >= 5
    assert list_harmful(shown) == set()


@pytest.mark.parametrize("device", ["/dev/stdout", "/dev/stderr"])
@pytest.mark.parametrize("option", ["--output", "--proof"])
def test_a_terminal_that_is_named_as_a_file_is_one(
    scripted: ScriptedServer, tmp_path: Path, device: str, option: str
) -> None:
    """It obeys what it gets, whatever way that came."""
    words = arguments(CASES["users-ndjson"], scripted, tmp_path)

    shown = run_on_terminal(*words, option, device)

    assert list_harmful(shown) == set()
    assert MARK in shown.text


def test_our_own_styles_reach_the_terminal(scripted: ScriptedServer, tmp_path: Path) -> None:
    """Colours of the doctor's words are ours, and NO_COLOR takes them away."""
    words = arguments(CASES["doctor-token"], scripted, tmp_path)

    coloured = run_on_terminal(*words)
    plain = run_on_terminal(*words, env={"NO_COLOR": "1"})

    assert "\x1b[32mok      \x1b[0m" in coloured.text
    assert "\x1b[31mfailed  \x1b[0m" in coloured.text
    assert "\x1b" not in plain.text
