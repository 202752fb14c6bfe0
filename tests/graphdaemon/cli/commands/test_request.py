"""`graphdaemon request`: any request, as the app."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.run_command import Command, clean_environment
from tests.support.scripted_server import JSON, USER, Answer, ScriptedServer, json_answer, page


@pytest.mark.parametrize("name", ["not-found", "forbidden"])
def test_a_refusal_has_its_exit_code_and_hint(
    command: Command, scripted: ScriptedServer, settings: Path, name: str
) -> None:
    """As for a listing; and a file is not made."""
    scripted.script = [Answer({"not-found": 404, "forbidden": 403}[name])]
    output = settings.parent / "user.json"

    for arguments in (("get", "users/1"), ("request", "GET", "users/1")):
        outcome = command(*arguments, settings, "-o", output)
        assert outcome.code == 5
        assert "\nTry: " in outcome.err
        assert not output.exists()


def test_request_sends_what_it_is_told(
    command: Command, scripted: ScriptedServer, settings: Path, tmp_path: Path
) -> None:
    """Verb, path, headers and body; with the app's token."""
    scripted.script = [json_answer({"value": [{"id": "1"}]})]
    body = tmp_path / "body.json"
    body.write_bytes(b'{"ids":["1"]}')

    outcome = command(
        *("request", "post", "/beta/directoryObjects/getByIds", settings, "--body", body),
        *("--header", "prefer: return=minimal", "--header", "ConsistencyLevel:eventual"),
    )

    request = scripted.only_request
    assert (request.method, request.target) == ("POST", "/beta/directoryObjects/getByIds")
    assert request.body == b'{"ids":["1"]}'
    assert request.headers["authorization"] == "Bearer token-1"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["prefer"] == "return=minimal"
    assert request.headers["consistencylevel"] == "eventual"
    assert json.loads(outcome.out) == {"value": [{"id": "1"}]}


def test_request_reads_a_body_from_standard_input(scripted: ScriptedServer, settings: Path) -> None:
    """`jq … | graphdaemon request POST … --body -`."""
    scripted.script = [Answer(204)]

    done = subprocess.run(
        [
            *(sys.executable, "-m", "graphdaemon", "request", "PATCH", "users/1", str(settings)),
            *("--body", "-", "--header", "Content-Type: text/plain"),
        ],
        input=b"Gr\xc3\xbc\xc3\x9fe",
        capture_output=True,
        check=False,
        env=clean_environment(),
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert scripted.only_request.body == b"Gr\xc3\xbc\xc3\x9fe"
    assert scripted.only_request.headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    "url", ["https://evil.example/v1.0/users", "http://127.0.0.1/v1.0/users", "ftp://x/y"]
)
def test_the_token_goes_nowhere_else(
    command: Command, scripted: ScriptedServer, settings: Path, url: str
) -> None:
    """An address of another origin is refused before anything is sent."""
    scripted.script = [Answer(200)]

    outcome = command("request", "GET", url, settings)

    assert outcome.code == 2
    assert "which is where the token goes" in outcome.err
    assert (scripted.requests, scripted.tokens_issued) == ([], 0)


def test_a_whole_address_of_the_origin_is_sent_to(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """Such as one copied from Graph Explorer, or an API of one's own with its own paths."""
    scripted.script = [json_answer({"ok": True})]

    outcome = command("request", "GET", f"{scripted.url}/api/orders?status=open", settings)

    assert json.loads(outcome.out) == {"ok": True}
    assert scripted.only_request.target == "/api/orders?status=open"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("Authorization: Bearer x", "graphdaemon sets this header itself"),
        ("host: evil.example", "graphdaemon sets this header itself"),
        ("no colon", "is not a header"),
        ("X: a\r\nY: b", "is not a header"),
        ("Bad Name: x", "is not a header"),
        ("X: é", "is not a header"),
    ],
)
def test_a_header_that_would_do_harm_is_refused(
    command: Command, scripted: ScriptedServer, settings: Path, header: str, message: str
) -> None:
    """Neither the token nor the message's frame can be changed by it."""
    outcome = command("request", "GET", "users", settings, "--header", header)

    assert outcome.code == 2
    assert message in outcome.err
    assert scripted.requests == []


def test_what_is_not_json_is_passed_through(
    command: Command, scripted: ScriptedServer, settings: Path, tmp_path: Path
) -> None:
    """A photo stays a photo, on stdout and in a file."""
    photo = bytes(range(256)) * 10
    scripted.script = [Answer(200, photo, {"Content-Type": "image/jpeg"})]
    file = tmp_path / "ana.jpg"

    assert command("request", "GET", "users/1/photo/$value", settings).out == photo
    command("request", "GET", "users/1/photo/$value", settings, "-o", file)
    assert file.read_bytes() == photo


def test_one_page_says_that_it_is_one(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """Printed as asked, with a word on stderr."""
    scripted.script = [page({"id": "1"}, next_link=f"{scripted.url}/v1.0/users?$skiptoken=2")]

    outcome = command("request", "GET", "users", settings)

    assert json.loads(outcome.out)["value"] == [{"id": "1"}]
    assert outcome.err == "This is only one of several pages. Use --all to read them all.\n"


def test_all_follows_the_links(command: Command, scripted: ScriptedServer, settings: Path) -> None:
    """To the last page, with the same headers; for the API's own collections too."""
    scripted.script = [
        page({"id": "1"}, next_link=f"{scripted.url}/api/orders?page=2"),
        page(next_link=f"{scripted.url}/api/orders?page=3"),
        page({"id": "2"}, {"id": "3"}),
    ]

    outcome = command(
        *("request", "GET", f"{scripted.url}/api/orders", settings, "--all", "-f", "ndjson"),
        *("--header", "X-Tenant: a"),
    )

    assert outcome.out == b'{"id": "1"}\n{"id": "2"}\n{"id": "3"}\n'
    assert outcome.err == "3 records, 3 pages\n"
    assert {request.headers["x-tenant"] for request in scripted.requests} == {"a"}


def test_one_record_is_counted_as_one(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    scripted.script = [page({"id": "1"})]

    assert command("request", "GET", "users", settings, "--all").err == "1 record, 1 page\n"


def test_all_does_not_follow_a_link_elsewhere(
    command: Command, scripted: ScriptedServer, settings: Path, tmp_path: Path
) -> None:
    """The same rule as for a listing, and no file is made of what came before."""
    scripted.script = [page({"id": "1"}, next_link="https://evil.example/x")]
    file = tmp_path / "orders.json"

    outcome = command("request", "GET", "users", settings, "--all", "-o", file)

    assert outcome.code == 5
    assert "https://evil.example" in outcome.err
    assert not file.exists()


def test_all_does_not_go_in_a_circle(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """A service that pages wrongly is found out, not followed for ever."""
    there, back = (f"{scripted.url}/api/orders?page={n}" for n in (1, 2))
    scripted.script = [page(next_link=there), page(next_link=back), page(next_link=there)]

    outcome = command("request", "GET", "users", settings, "--all")

    assert outcome.code == 5
    assert "leads back to a page" in outcome.err
    assert len(scripted.requests) == 3


@pytest.mark.parametrize("body", [b"<html>", b'{"a": "\\ud800"}', b'{"a": 1'])
def test_what_is_only_called_json_is_passed_through(
    command: Command, scripted: ScriptedServer, settings: Path, body: bytes
) -> None:
    """`request` shows what came; `get`, which promises an object, says that it is none."""
    scripted.script = [Answer(200, body, JSON | {"Retry-After": "0"})]

    outcome = command("request", "GET", "users/1", settings)
    assert (outcome.code, outcome.out) == (0, body)
    outcome = command("get", "users/1", settings)
    assert (outcome.code, outcome.out) == (5, b"")
    assert "not the JSON it should be" in outcome.err


def test_bytes_that_are_no_utf8_do_no_harm(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """In a text of a JSON answer."""
    scripted.script = [Answer(200, b'{"id": "\xff", "n": 1e400}', JSON)]

    for name, out in [("csv", b"id,n\r\n\xef\xbf\xbd,1e400\r\n"), ("json", None)]:
        outcome = command("get", "users/1", settings, "-s", "id,n", "-f", name)
        assert outcome.code == 0
        assert out in (None, outcome.out)


def test_all_is_for_reading(command: Command, settings: Path) -> None:
    """Nothing is posted page after page."""
    assert command("request", "DELETE", "users/1", settings, "--all").code == 2


@pytest.mark.parametrize(
    ("arguments", "out"),
    [
        (("users?$select=id,mail", "-f", "csv"), b"id,mail\r\n1,\r\n"),
        (("users", "-f", "csv", "--query", "value[].{a: id}"), b"a\r\n1\r\n"),
        (("users", "-f", "ndjson", "--query", "value[].id"), b'"1"\n'),
        (("users", "--query", "value[].id"), b'[\n  "1"\n]\n'),
        (("users", "--all", "--query", "[].id", "-f", "ndjson"), b'"1"\n'),
    ],
)
def test_the_formats_of_an_answer(
    command: Command,
    scripted: ScriptedServer,
    settings: Path,
    arguments: tuple[str, ...],
    out: bytes,
) -> None:
    """json is the answer; the others are the records in it."""
    scripted.script = [page({"id": "1"})]
    url, *rest = arguments

    assert command("request", "GET", url, settings, *rest).out == out


def test_columns_have_to_be_known(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """They are never guessed from the first record."""
    outcome = command("request", "GET", "orders", settings, "--all", "-f", "csv")

    assert outcome.code == 2
    assert "csv shows columns, and none are named" in outcome.err
    assert scripted.requests == []


@pytest.mark.parametrize(("method", "requests"), [("GET", 5), ("POST", 1)])
def test_only_what_is_safe_is_sent_again(
    command: Command, scripted: ScriptedServer, settings: Path, method: str, requests: int
) -> None:
    """A POST that failed may have been done: whoever asked decides."""
    scripted.script = [Answer(503, headers={"Retry-After": "0"})]

    assert command("request", method, "users", settings).code == 5
    assert len(scripted.requests) == requests


def test_what_was_refused_unread_is_sent_again(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """429 is Graph's word that it did nothing."""
    scripted.script = [Answer(429, headers={"Retry-After": "0"}), Answer(201, USER, JSON)]

    assert command("request", "POST", "users", settings).code == 0
    assert len(scripted.requests) == 2


def test_include_shows_the_head_of_the_answer(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """On stderr, with whatever looks like a token taken out."""
    link = "https://x.example/?$skiptoken=abc"
    scripted.script = [Answer(202, headers={"Location": link})]

    outcome = command("request", "POST", "users", settings, "--include")

    assert outcome.out == b""
    assert outcome.err.splitlines()[0] == "HTTP 202"
    assert "Location: https://x.example/?$skiptoken=[redacted]" in outcome.err


@pytest.mark.parametrize("statuses", [[404] * 20, [200, 404, 429], [204, 500]])
def test_a_batch_in_which_something_was_refused_says_so(
    command: Command, scripted: ScriptedServer, settings: Path, tmp_path: Path, statuses: list[int]
) -> None:
    """On stderr and by the exit code; what was answered is printed all the same."""
    parts = [{"id": str(at), "status": status} for at, status in enumerate(statuses)]
    scripted.script = [json_answer({"responses": parts})]
    body = tmp_path / "body.json"
    body.write_text('{"requests": []}')

    outcome = command("request", "POST", "$batch", settings, "--body", body)

    refused = [status for status in statuses if status >= 400]
    assert json.loads(outcome.out) == {"responses": parts}
    assert f"{len(refused)} of its {len(statuses)} requests were refused" in outcome.err
    assert f"{refused.count(refused[0])} with {refused[0]}" in outcome.err
    assert outcome.code == 5


@pytest.mark.parametrize(("path", "status"), [("$batch", 200), ("users/$batchs", 404)])
def test_a_batch_in_which_all_went_well_is_done(
    command: Command, scripted: ScriptedServer, settings: Path, path: str, status: int
) -> None:
    """And what is no batch is not looked into."""
    scripted.script = [json_answer({"responses": [{"id": "1", "status": status}]})]

    outcome = command("request", "POST", path, settings)

    assert (outcome.code, outcome.err) == (0, "")


def test_what_is_called_a_batch_and_is_none_is_told_of(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """Nobody knows then what was done."""
    scripted.script = [json_answer({"value": []})]

    outcome = command("request", "POST", "$batch", settings)

    assert (outcome.code, outcome.out) == (5, b'{\n  "value": []\n}\n')
    assert "not that to a batch" in outcome.err


def test_an_expired_page_link_is_told_of_as_such(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """No option is to blame."""
    error = {"code": "Directory_ExpiredPageToken", "message": "The specified page token …"}
    link = f"{scripted.url}/v1.0/users?$skiptoken=SECRET-PLACE"
    scripted.script = [page({"id": "1"}, next_link=link), json_answer({"error": error}, 400)]

    outcome = command("request", "GET", "users", settings, "--all")

    assert outcome.code == 5
    assert "Begin again at the first page" in outcome.err
    assert "SECRET-PLACE" not in outcome.err


def test_what_is_nested_too_deeply_is_passed_through(
    command: Command, scripted: ScriptedServer, settings: Path
) -> None:
    """As it came; nothing here decodes it."""
    deep = b"[" * 1_000 + b"]" * 1_000
    scripted.script = [Answer(200, deep, JSON)]

    assert command("request", "GET", "users/1", settings).out == deep
    assert command("get", "users/1", settings).code == 5


def test_a_body_without_an_end_is_refused(command: Command, settings: Path) -> None:
    """A device would otherwise be read until the memory is full."""
    outcome = command("request", "POST", "users", settings, "--body", "/dev/zero")

    assert outcome.code == 2
    assert "/dev/zero has more than 256 MB" in outcome.err
