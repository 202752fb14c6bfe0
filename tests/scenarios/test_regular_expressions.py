"""No regular expression takes more than linear time, whatever text it is used on."""

import re

import pytest

from graphdaemon.diagnosis import aadsts, graph_refusals, known_texts, signs
from tests.support.pattern_ambiguity import find_ambiguity
from tests.support.pattern_list import Pattern, list_patterns
from tests.support.places import ROOT

PATTERNS = list(list_patterns(ROOT / "src"))

COMPUTED = {
    "graphdaemon/diagnosis/aadsts.py": [
        pattern for patterns in aadsts._TEXTS.values() for pattern in patterns.values()
    ],
    "graphdaemon/diagnosis/known_texts.py": [*known_texts._ANSWERERS],
    "graphdaemon/diagnosis/protected_api.py": [*known_texts.LIBRARIES.values()],
    "graphdaemon/diagnosis/signs.py": [
        *known_texts.LIBRARIES.values(),
        *known_texts.NETWORK.values(),
        *(one.pattern for one in (signs._GRAPH, signs._OAUTH, signs._OWN)),
    ],
    "graphdaemon/diagnosis/graph_refusals.py": [*graph_refusals._BEYOND],
}
"""Expressions that stand in a table, or are made of a word, by the module that searches them."""

BOUNDED = {
    "graphdaemon/http/tunnel.py: _SCHEME": "it reads 1,000 characters",
    "graphdaemon/settings/text.py: _BLOCK": "it reads a key file that the settings name",
    "graphdaemon/settings/text.py: quote": "it reads 400 characters",
}
"""Expressions that take quadratic time on what cannot be long, or is the user's own."""


def judge(pattern: Pattern) -> str | None:
    assert pattern.text is not None
    return find_ambiguity(
        pattern.text, pattern.flags, searches=pattern.searches, whole=pattern.whole
    )


@pytest.mark.parametrize(
    "pattern", PATTERNS, ids=[f"{at} {pattern.place}" for at, pattern in enumerate(PATTERNS)]
)
def test_no_regular_expression_takes_more_than_linear_time(pattern: Pattern) -> None:
    """200 kB of blanks in an answer must not cost a minute."""
    if pattern.text is None:
        assert pattern.place.partition(":")[0] in COMPUTED
    else:
        assert (judge(pattern) is not None) is (pattern.place in BOUNDED)


@pytest.mark.parametrize("module", COMPUTED)
def test_no_regular_expression_of_a_table_takes_more_than_linear_time(module: str) -> None:
    """They are searched for in what a server answered."""
    texts = COMPUTED[module]

    assert texts
    assert [find_ambiguity(text, re.IGNORECASE, searches=True, whole=False) for text in texts] == [
        None
    ] * len(texts)


def test_each_exception_has_its_expression() -> None:
    """What was mended is taken out of the table."""
    assert {pattern.place for pattern in PATTERNS} >= BOUNDED.keys()
    assert {pattern.place.partition(":")[0] for pattern in PATTERNS if pattern.text is None} == {
        *COMPUTED
    }


@pytest.mark.parametrize(
    ("text", "is_slow"),
    [
        *((r"\s+Trace ID:", True), (r"\s*x", True), (r"<[^>]*>", True), (r"BEGIN.+?END", True)),
        *((r"'(?:[^']|'')*'", True), (r"\w+\b", True), (r"x(?=.*y)", True), (r"(x+)+y", True)),
        *((r"(?:x|xx)*y", True), (r"(?:x*)*y", True), (r"x*x*y", True), (r"a.*b.*c", True)),
        *((r"^\s+Trace", False), (r"'[^']*'", False), (r"\w+", False), (r"a(?!\s*b)", False)),
        *((r"(?:\.\w+)+", False), (r"x{1,30}y", False), (r"^x*y", False), (r"a|^\s*b", False)),
        *((r"\Ax+y", False), (r"(?m:^)\s+x", True), (r"eyJ[\w-]{8,}(?:\.[\w-]*){0,2}", False)),
    ],
)
def test_what_takes_more_than_linear_time_is_told_by_its_form(text: str, *, is_slow: bool) -> None:
    """Searched for in a text; what stands behind each is known from trying it."""
    assert (find_ambiguity(text, 0, searches=True, whole=False) is not None) is is_slow


@pytest.mark.parametrize(
    ("text", "is_slow"),
    [(r"\s*x", False), (r"x*x*", True), (r"\s*(x\s*)*", False), (r"[a-z*]+[a-z-]*", True)],
)
def test_a_whole_text_is_matched_from_one_beginning_only(text: str, *, is_slow: bool) -> None:
    """So what is slow to search for may be quick to match."""
    assert (find_ambiguity(text, 0, searches=False, whole=True) is not None) is is_slow
