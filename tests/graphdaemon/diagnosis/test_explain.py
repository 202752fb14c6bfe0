"""`graphdaemon explain`: numbers, answers, log lines and tokens, offline."""

from __future__ import annotations

import io
import json
import re
import time
from typing import Any

import pytest

from graphdaemon.diagnosis.aadsts import AADSTS_NUMBERS, MEANINGS, find_aadsts_case
from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.diagnosis.explain import explain
from graphdaemon.errors import CODES
from tests.support.places import PUBLISHED, SHARED
from tests.support.run_command import Command, Run
from tests.support.unsigned_tokens import make_token
from tools.fidelity import list_reached

NOW = 1_772_357_500.0
REFERENCE = SHARED / "reference" / "entra-protocol.md"
QUOTED = PUBLISHED / "recordings" / "issue-quoted-errors.jsonl"


def test_every_number_has_one_case() -> None:
    """No number stands twice, and every case is in the table."""
    numbers = [number for listed in AADSTS_NUMBERS.values() for number in listed]

    assert len(numbers) == len(set(numbers))
    assert set(AADSTS_NUMBERS) <= set(CASES)
    assert set(MEANINGS) <= set(numbers)


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_a_code_a_meaning_and_a_step(case: str) -> None:
    """The code is documented; the sentences are whole, with and without values."""
    row, advice = CASES[case], advise(case)

    assert row.code in CODES or case in {"roles_excessive", "certificate_ending", "secret_ending"}
    assert advice.meaning.endswith(".")
    assert advice.step[0].isupper()
    for text in (advice.meaning, advice.step):
        assert not re.search(r"\{(role|portal|consent|graph|api|host|beyond)\}", text)


def test_every_refusal_of_the_pretend_token_service_is_known() -> None:
    """What one can meet when learning is explained."""
    own = 165000  # the emulator's own, against forged forms

    codes = [int(code) for code in list_reached("test_token_endpoint")]
    assert [code for code in codes if find_aadsts_case((code,)) == "identity_refused"] == [own]


def test_every_number_of_the_protocol_reference_is_known() -> None:
    """The numbers that others met in public are ours to explain."""
    if not REFERENCE.exists():
        pytest.skip("the reference lies beside the checkout, and not everywhere")
    text = REFERENCE.read_text(encoding="utf-8")
    table = text[text.index("### 4.8") : text.index("## 5. Access tokens")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    numbers = {int(number) for row in rows for number in re.findall(r"\b\d{5,7}\b", row)}

    assert [
        number for number in sorted(numbers) if find_aadsts_case((number,)) == "identity_refused"
    ] == []


def test_errors_quoted_in_public_are_explained() -> None:
    """Every answer that people have posted, as it is, says something."""
    if not QUOTED.exists():
        pytest.skip("the recordings lie beside the checkout, and not everywhere")
    answers = [json.loads(line) for line in QUOTED.read_text(encoding="utf-8").splitlines()]
    refused = [one for one in answers if one["status"] >= 400]
    silent = [
        one["source"]
        for one in refused
        if not explain(f"HTTP {one['status']} {json.dumps(one['response_body'])}", NOW).explanations
    ]

    assert silent == []


@pytest.mark.parametrize(
    ("text", "subject", "case"),
    [
        ("7000215", "AADSTS7000215", "secret_wrong"),
        ("AADSTS7000222", "AADSTS7000222", "secret_expired"),
        ("aadsts50105: Application is not assigned", "AADSTS50105", "assignment_missing"),
        ('{"error":"invalid_client","error_codes":[700016]}', "AADSTS700016", "client_unknown"),
        (r'{"msg":"{\"error_codes\":[7000222]}"}', "AADSTS7000222", "secret_expired"),
        (
            "ERROR azure.identity: AADSTS700027: [Reason - The key was not found., Thumbprint",
            "AADSTS700027",
            "certificate_unknown",
        ),
        (
            "AADSTS700027: [Reason - The key used is expired.,",
            "AADSTS700027",
            "certificate_expired",
        ),
        (
            '{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}',
            "Authorization_RequestDenied",
            "permission_missing",
        ),
        (
            '{"error":{"code":"BadRequest","message":"/me request is only valid with delegated"}}',
            "BadRequest",
            "user_required",
        ),
        (
            '{"error":{"code":"InvalidAuthenticationToken","message":"Invalid audience."}}',
            "InvalidAuthenticationToken",
            "audience_wrong",
        ),
        ('{"error":{"code":"UnknownError","message":""}}', "UnknownError", "graph_unavailable"),
        (
            "requests.exceptions.HTTPError: 403 Client Error: Forbidden for url",
            "Forbidden",
            "permission_missing",
        ),
        ("HTTP/1.1 429 Too Many Requests", "HTTP 429", "throttled"),
        ("status=503", "HTTP 503", "graph_unavailable"),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] unable to get",
            "CERTIFICATE_VERIFY_FAILED",
            "tls_untrusted",
        ),
        ("getaddrinfo ENOTFOUND login.microsoftonline.com", "getaddrinfo", "host_unknown"),
        ("dial tcp 1.2.3.4:443: i/o timeout: connection timed out", "timeout", "timed_out"),
        ("OSError: Tunnel connection failed: 407 Proxy", "407", "proxy_password"),
        (
            "WARNING graphdaemon.graph.graph: /v1.0/users: graph_unavailable; attempt 2",
            "graph_unavailable",
            "graph_unavailable",
        ),
        ("secret_wrong", "secret_wrong", "secret_wrong"),
        ("permission_missing", "permission_missing", "permission_missing"),
    ],
)
def test_what_is_recognised(text: str, subject: str, case: str) -> None:
    """However it comes: bare, as JSON, inside a log line, from any library."""
    first, *_ = explain(text, NOW).explanations

    assert (first.subject, first.case, first.known) == (subject, case, True)
    assert first.step


@pytest.mark.parametrize("text", ["hello", "", "took 500 ms at port 443", "12", "{}", "200 OK"])
def test_what_is_nothing_is_not_explained(text: str) -> None:
    """Ordinary numbers in ordinary lines are no errors."""
    assert explain(text, NOW).explanations == ()


def test_an_unknown_number_is_admitted(command: Command) -> None:
    """It is not in the table; where to look is said, with the number."""
    outcome = command("explain", "AADSTS999999")

    assert outcome.code == 0
    assert b"not in our table" in outcome.out
    assert b"https://login.microsoftonline.com/error?code=999999" in outcome.out


def test_several_errors_in_a_log_are_each_explained() -> None:
    """Once each, in their order."""
    log = "AADSTS7000215: x\nAADSTS90002: y\nAADSTS7000215: z"

    assert [one.subject for one in explain(log, NOW).explanations] == [
        "AADSTS7000215",
        "AADSTS90002",
    ]


def test_the_ids_that_support_asks_for_are_found() -> None:
    """In the token service's form, and in Graph's."""
    guid = "8c95acf1-cc04-40a1-ad14-481862cf1801"

    sts = explain(f"AADSTS90002: x Trace ID: y Correlation ID: {guid} Timestamp: z", NOW)
    graph = explain(
        f'{{"error":{{"code":"Forbidden","innerError":{{"request-id":"{guid}"}}}}}}', NOW
    )

    assert (sts.correlation_id, graph.request_id) == (guid, guid)


def test_a_token_beside_a_403_decides_what_it_means() -> None:
    """With roles or without, the same answer means another thing."""
    refusal = '{"error":{"code":"Authorization_RequestDenied","message":"Insufficient."}}'

    found = [
        explain(f"{refusal}\n{make_token(roles=roles)}", NOW).explanations[0].case
        for roles in (None, ["Mail.Read"])
    ]

    assert found == ["roles_absent", "permission_missing"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def explain_stdin(
    command: Command, monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str
) -> tuple[int, str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    outcome = command("explain", *arguments)
    return outcome.code, outcome.out.decode()


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


def test_meanings_are_ours_for_every_own_word(command: Command) -> None:
    """Every documented code can be asked about."""
    answers: dict[str, Any] = {code: explain(code, NOW).explanations for code in CODES}

    assert [code for code, found in answers.items() if not found] == []
