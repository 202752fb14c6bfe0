"""A hint never points at what is not shown."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from itertools import product

import pytest

from graphdaemon import cli
from graphdaemon.diagnosis.aadsts import advise_on_aadsts
from graphdaemon.diagnosis.aadsts_numbers import AADSTS_NUMBERS, STEPS
from graphdaemon.diagnosis.advice import advise, fill
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.diagnosis.explain import explain
from graphdaemon.errors import Error, GraphError, IdentityError
from graphdaemon.graph import refused
from graphdaemon.http.response import Headers, Response
from tests.support.places import ROOT

SOURCE = ROOT / "src/graphdaemon"

HINTS = ("hint", "step")
"""What the next step is called where it is passed on."""

POINTING = re.compile(
    r"\b(these|those|above|below|following|the list|listed|in (this|that) order|shown here|latter"
    r"|former|the (words|text|message|number|code|ID) (above|below|there))\b"
)
"""Words that point at something, which must stand in the hint itself or in the message."""

POINTS_WITHIN = {
    # What each of them points at is in the same sentence, or in the message that the code writes.
    "in this order: {beyond}": "what to check stands behind the colon",
    "Send those that": "the sentence says which",
    "the App ID URIs listed there": "the sentence says where",
    "Move everything into the list": "the message names the list: credentials",
}

# A hint from the tables stands behind a service's own words, so that nothing before it can be
# pointed at by "it"; "Run it" is the command, which has just been run.
PRONOUN = re.compile(r"^(?!Run it )\w+( \w+){0,2} (it|its|them|they|one(?! of)|there)\b")


def strings_of(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def find_helpers(trees: list[ast.Module]) -> dict[str, int]:
    """Functions that are given a hint by its place, and the place."""
    helpers: dict[str, int] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                names = [argument.arg for argument in node.args.args if argument.arg != "self"]
                for name in HINTS:
                    if name in names:
                        helpers[node.name] = names.index(name)
    return helpers


def list_hints() -> list[str]:
    """Every text in the code that becomes the next step of an error."""
    trees = [ast.parse(path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py"))]
    helpers = find_helpers(trees)
    texts: list[ast.AST] = []
    for call in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)):
        texts += [keyword.value for keyword in call.keywords if keyword.arg in HINTS]
        place = helpers.get(ast.unparse(call.func).rpartition(".")[2])
        if place is not None:
            texts += call.args[place : place + 1]
    hints = ["".join(strings_of(text)) for text in texts]
    return [*hints, *(row.step for row in CASES.values()), *STEPS.values()]


def test_no_hint_points_at_a_list_that_is_elsewhere() -> None:
    """Each hint that says these, above or in this order has what it means in itself."""
    hints = list_hints()
    pointing = [
        hint
        for hint in hints
        if POINTING.search(hint) and not any(known in hint for known in POINTS_WITHIN)
    ]

    assert len(hints) > 150
    assert pointing == []
    assert all(any(known in hint for hint in hints) for known in POINTS_WITHIN)


PERSON = re.compile(r"\b[Aa]na\b|[a-z]@[a-z]")


def test_what_a_hint_leaves_open_is_a_word_in_capitals() -> None:
    """GROUP_ID or NAME, as in the help: no dots, and no person of another directory."""
    hints = [hint for hint in list_hints() if "…" in hint or PERSON.search(hint)]

    assert hints == []


STEPS_BY_NAME = {name: row.step for name, row in CASES.items()} | {
    str(number): step for number, step in STEPS.items()
}


@pytest.mark.parametrize("step", STEPS_BY_NAME.values(), ids=STEPS_BY_NAME)
def test_a_step_names_what_it_is_about(step: str) -> None:
    """It is printed behind the service's words, without the meaning that the doctor tells."""
    assert not PRONOUN.search(step)


SHOWN = {
    # What a hint may point at, and how one sees that it is there.
    "request ID": "Request ID: ",
    "correlation ID": "Correlation ID: ",
}


def show(error: Error, capsys: pytest.CaptureFixture[str]) -> list[str]:
    cli.show(error)
    return capsys.readouterr().err.splitlines()


def check(lines: list[str], message: str | None) -> None:
    """What the last line points at is in the lines before it."""
    *before, hint = lines
    assert hint.startswith("Try: ")
    assert not hint.endswith(": .")
    for words, label in SHOWN.items():
        if words in hint:
            assert any(line.startswith(label) for line in before)
    if "message names" in hint:
        assert message
        assert message in before[0]


BODIES: dict[str, tuple[bytes, str | None]] = {
    "graph": (json.dumps({"error": {"code": "Word", "message": "Say so."}}).encode(), "Say so."),
    "code": (json.dumps({"error": {"code": "Word", "message": ""}}).encode(), None),
    "empty": (b"", None),
    "brackets": (b"{}", None),
    "page": (b"<html><body>Blocked by policy</body></html>", "Blocked by policy"),
    "text": (b"Too many at a time", "Too many at a time"),
    "blank": (b"   \r\n ", None),
}
STATUSES = (302, 304, 400, 401, 403, 404, 405, 409, 410, 412, 415, 422, 429, 500, 501, 503, 504)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", STATUSES)
def test_a_refusal_of_graph_points_at_what_is_there(
    status: int, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a request ID and a target of the redirect, and without."""
    data, message = BODIES[body]
    for request_id, location in product((None, "1234-abcd"), (None, "https://elsewhere.example/x")):
        headers = {"request-id": request_id, "Location": location}
        given = Headers((name, value) for name, value in headers.items() if value is not None)
        error = refused.explain(
            Response(status, given, data),
            "https://graph.test/v1.0/users",
            needs=None,
            consent_url=None,
        )

        check(show(error, capsys), message)


@pytest.mark.parametrize("correlation_id", [None, "11111111-2222-4333-8444-555555555555"])
@pytest.mark.parametrize(
    ("codes", "error"),
    [((number,), "invalid_client") for numbers in AADSTS_NUMBERS.values() for number in numbers]
    + [((1,), "invalid_client"), ((), "invalid_client"), ((), "no_such_word")],
)
def test_a_refusal_of_the_token_service_points_at_what_is_there(
    codes: tuple[int, ...],
    error: str,
    correlation_id: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With a correlation ID, and without."""
    advice = advise_on_aadsts(codes, "", {"correlation_id": correlation_id}, error=error)
    refusal = IdentityError(
        "AADSTS1: no", code=advice.code, hint=advice.step, correlation_id=correlation_id
    )

    check(show(refusal, capsys), None)


VALUES = {
    "role": "User.Read.All",
    "beyond": "a licence, a directory role",
    "request_id": "1234-abcd",
    "correlation_id": "1234-abcd",
    "message": "no",
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("values", [{}, VALUES], ids=["bare", "known"])
def test_a_step_points_at_an_id_only_where_it_is_known(
    case: str, values: Mapping[str, str]
) -> None:
    """By itself a case knows none; with the IDs it may name them."""
    step = advise(case, values).step
    pointers = [words for words in (*SHOWN, "message names") if words in step]

    assert pointers == [] or values
    assert step.count("{") == step.count("}")
    if "in this order" in step:
        assert fill("{beyond}", values) in step


@pytest.mark.parametrize("text", ["AADSTS999999999: no", "AADSTS530032: no"])
def test_explain_points_at_an_id_only_where_it_prints_one(text: str) -> None:
    """The pasted text may have it, or not."""
    with_id = f"{text} Correlation ID: 11111111-2222-4333-8444-555555555555"

    bare, known = (explain(pasted, 0).explanations[0].step for pasted in (text, with_id))

    assert "correlation ID" not in bare
    assert "correlation ID" in known


def test_the_role_that_is_there_is_followed_by_what_else_to_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A 403 in spite of the role lists what decides besides, in the hint itself."""
    advice = advise("roles_suffice", {"beyond": "a licence, a policy"})
    error = GraphError("/v1.0/users: 403", code=advice.code, hint=advice.step, status=403)

    assert show(error, capsys)[-1] == (
        "Try: Ask an administrator to check, in this order: a licence, a policy."
    )
