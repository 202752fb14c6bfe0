"""Numbers, answers, log lines and tokens are explained, offline."""

import json
import tomllib
from typing import Any

import pytest

from graphdaemon.diagnosis.explain import explain
from graphdaemon.errors import CODES
from tests.support.places import PUBLISHED, ROOT
from tests.support.unsigned_tokens import make_token

NOW = 1_772_357_500.0
PASTED = tomllib.loads((ROOT / "tests/support/pasted_texts.toml").read_text("utf-8"))["pasted"]
QUOTED = PUBLISHED / "recordings" / "issue-quoted-errors.jsonl"


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
        ('{"error":{"code":"UnknownError","message":""}}', "UnknownError", "error_unnamed"),
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
        ("dial tcp 1.2.3.4:443: i/o timeout: connection timed out", "i/o timeout", "timed_out"),
        (
            "OSError: Tunnel connection failed: 407 Proxy",
            "Tunnel connection failed: 407",
            "proxy_password",
        ),
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


def test_a_refusal_of_the_kind_of_caller_asks_for_no_role() -> None:
    """Agent identities are kept from some calls, and Azure CLI from the agent identities."""
    words = "This operation cannot be performed for the specified calling identity type."
    refusal = f'{{"error":{{"code":"Authorization_RequestDenied","message":"{words}"}}}}'
    first = explain(f"HTTP/1.1 403 Forbidden\n{refusal}", NOW).explanations[0]

    assert first.case == "caller_kind_refused"
    assert "Directory.AccessAsUser.All" in first.step


def test_a_token_beside_a_403_decides_what_it_means() -> None:
    """With roles or without, the same answer means another thing."""
    refusal = '{"error":{"code":"Authorization_RequestDenied","message":"Insufficient."}}'

    cases = [
        explain(f"{refusal}\n{make_token(roles=roles)}", NOW).explanations[0].case
        for roles in (None, ["Mail.Read"])
    ]

    assert cases == ["roles_absent", "permission_missing"]


def test_meanings_are_ours_for_every_own_word() -> None:
    """Every documented code can be asked about."""
    answers: dict[str, Any] = {code: explain(code, NOW).explanations for code in CODES}

    assert [code for code, explanations in answers.items() if not explanations] == []


@pytest.mark.parametrize("row", PASTED, ids=range(len(PASTED)))
def test_pasted_texts_get_their_diagnosis(row: dict[str, Any]) -> None:
    """As people meet them in logs, threads and portals; one answer for each thing, and no other."""
    explanations = explain(row["text"], NOW).explanations

    assert [one.case or one.subject for one in explanations] == row["says"]
    assert all(one.meaning and one.step for one in explanations)


def test_there_are_enough_pasted_texts() -> None:
    """And none stands there twice."""
    assert len({row["text"] for row in PASTED}) == len(PASTED)
    assert len(PASTED) >= 120


def test_a_batch_answer_is_explained_part_by_part() -> None:
    """Each part by its own error, and named by its id."""
    parts = [
        {"id": "a", "status": 404, "body": {"error": {"code": "Request_ResourceNotFound"}}},
        {"id": "b", "status": 403, "body": {"error": {"code": "Forbidden", "message": "no"}}},
        {"id": "c", "status": 204},
    ]

    explanations = explain(json.dumps({"responses": parts}), NOW).explanations

    assert [one.subject for one in explanations] == [
        "part a: Request_ResourceNotFound",
        "part b: Forbidden",
        "part c: HTTP 204",
    ]


def test_a_refused_call_names_the_permission_it_needs() -> None:
    """Where the text has the address, the step is as exact as a command's."""
    text = "403 Client Error: Forbidden for url: https://graph.microsoft.com/v1.0/groups/1/members"

    assert "permission GroupMember.Read.All (" in explain(text, NOW).explanations[0].step


def test_a_permission_that_graph_names_is_the_one_to_add() -> None:
    """The call's own is there already, and would be the wrong advice."""
    text = (
        "GET https://graph.microsoft.com/v1.0/users?$select=signInActivity: 403 Authentication_"
        "MSGraphPermissionMissing: Calling principal does not have required MSGraph permissions "
        f"AuditLog.Read.All\n{make_token(roles=['User.Read.All'])}"
    )

    assert "permission AuditLog.Read.All (" in explain(text, NOW).explanations[0].step


def test_a_refusal_with_the_role_present_lists_what_to_check() -> None:
    """What is announced is there: the list stands in the step itself."""
    refusal = "GET https://graph.microsoft.com/v1.0/users/1/messages: 403 Forbidden"

    first = explain(f"{refusal}\n{make_token(roles=['Mail.Read'])}", NOW).explanations[0]

    assert first.case == "roles_suffice"
    assert "in this order: a mailbox with a licence" in first.step


def test_a_firewall_is_named() -> None:
    """By its page or its Server header; permissions are not blamed."""
    page = "HTTP/1.1 403 Forbidden\nServer: AcmeGuard/2\n\n<html><h1>403 Forbidden</h1></html>"

    named, unnamed = (
        explain(text, NOW).explanations[0] for text in (page, "<html>403 Forbidden</html>")
    )

    assert "runs whatever answers as AcmeGuard/2 to let" in named.step
    assert "runs the firewall or proxy to let" in unnamed.step


def test_a_stale_assertion_is_told_from_a_wrong_clock() -> None:
    """By the times that the refusal gives, and by whose assertion it is."""
    text = (
        "AADSTS700024: Client assertion is not within its valid time range. Current time: "
        "{now}, assertion valid from 2026-03-01T09:00:00Z, expiry time of assertion "
        "2026-03-01T09:05:00Z."
    )

    late = explain(text.format(now="2026-03-01T09:50:00.1234567Z"), NOW).explanations[0]
    early = explain(text.format(now="2026-03-01T08:20:00Z"), NOW).explanations[0]

    assert (late.case, early.case) == ("assertion_expired", "clock_wrong")
    assert "over for 45 minutes when it arrived" in late.meaning
    assert "begins in 40 minutes" in early.meaning


@pytest.mark.parametrize(
    "text",
    [
        "{" * 50_000,
        '{"responses":' + "[" * 50_000,
        "eyJ" * 20_000,
        "eyJh.eyJi." * 5_000,
        "AADSTS" * 10_000,
        "\u0130 403 Forbidden",
        "\n" * 50_000,
        "<html" * 10_000,
    ],
    ids=range(8),
)
def test_hostile_texts_are_survived(text: str) -> None:
    """Brackets without end, tokens that are none, letters that change their length."""
    assert len(explain(text, NOW).explanations) <= 1
