"""What the refusals of APIs of one's own mean, by header and body."""

import pytest

from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.cases.protected_api import PROTECTED_API
from graphdaemon.diagnosis.protected_api import find_refusal, find_values, read_challenge_words
from graphdaemon.protect.refusal import refuse

OWN = {"aud": "api://orders"}


@pytest.mark.parametrize("case", sorted(set(PROTECTED_API) - {"keys_unavailable"}))
def test_every_answer_of_the_middleware_is_understood(case: str) -> None:
    """Whatever fills its words, which are given back."""
    refusal = refuse(
        case, role="A.B (c)", audience="api://x", client="1-2", scope="S", since="9", sender="t"
    )
    words = read_challenge_words([refusal.challenge or ""])
    body = {"code": case}

    assert find_refusal(refusal.status, words, body, OWN) == case
    if words:
        assert find_refusal(refusal.status, words, {}, OWN) == case
    values = find_values(case, words or str(refusal))
    assert advise(case, values).meaning == str(refusal)


@pytest.mark.parametrize(
    ("words", "case"),
    [
        ("The audience 'https://graph.microsoft.com' is invalid", "bearer_for_other"),
        ("The issuer 'https://sts.windows.net/x/' is invalid", "bearer_issuer"),
        ("The signature key was not found", "bearer_key_unknown"),
        ("An error of another kind", None),
    ],
)
def test_other_frameworks_are_understood(words: str, case: str | None) -> None:
    """ASP.NET, for one, says what it means in the header."""
    assert find_refusal(401, words, {}, OWN) == case
    graph = "bearer_for_graph" if case == "bearer_for_other" else None
    assert find_refusal(401, words, {}, {"aud": "https://graph.microsoft.com"}) == graph


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, "bearer_expired"), (503, "keys_unavailable"), (401, "secret_wrong"), (401, 7)],
)
def test_what_is_no_refusal_of_a_caller_is_left_alone(status: int, body: object) -> None:
    """A busy API is asked again; other words mean something else."""
    assert find_refusal(status, "", {"code": body}, OWN) is None


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ([], ""),
        (["Bearer"], ""),
        (['Basic realm="x"', 'Bearer error="a", error_description="b c"'], "b c"),
        (['Bearer error_description="unclosed'], ""),
        (['Bearer error_description="' + "a" * 3_000 + '"'], ""),
        ([" " * 20_000 + 'error_description="late"'], ""),
    ],
)
def test_the_words_of_a_challenge(headers: list[str], words: str) -> None:
    """Of any header of that name, within bounds."""
    assert read_challenge_words(headers) == words
