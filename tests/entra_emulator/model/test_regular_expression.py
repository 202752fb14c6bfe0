import random
import re

import pytest

from entra_emulator.model.regular_expression import MOST_REPEATED, Pattern, read_pattern

EXPRESSIONS = (
    *("^Da.*", ".*vid", "a|b|cd", "(ab)+c", "[a-c]{2,3}x", "^$", "x*", r"\bfoo\b", "[^a]b", "[]a]"),
    *("(a|b)*abb$", "a{2}", "a{0,2}b", r"\d+-\w", r"[\d-]x", "(?:ab|a)c?$", "[a-]", r"\.x", "a{b"),
    *("(a*)*b", "(?:a|)b", r"\S\s", r"\Bo", "a+?b", "[^-a]", "a{1,}b", r"\Aa|b\Z", "É", "[À-Ö]"),
)
TEXTS = (
    *("", "a", "abb", "Dave", "aDa", "David", "foo", "a foo b", "food", "ab", "b", "cd", "abcx"),
    *(
        "aab",
        "1-a",
        "-x",
        "x-",
        "]",
        ".x",
        "ac",
        "abc",
        "a{b",
        "o o",
        "a b",
        "é",
        "ö",
        "a\nb",
        "AABB",
    ),
)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_matches_what_every_matcher_finds(expression: str) -> None:
    """Python's own, which takes exponential time on others, agrees on every text."""
    pattern = Pattern(expression)

    assert {text: pattern.search(text) for text in TEXTS} == {
        text: re.search(expression, text, re.IGNORECASE) is not None for text in TEXTS
    }


@pytest.mark.parametrize(
    "expression", ["(a+)+$", "^(a|a)*$", "^(a*)*$", "(?:a|aa)+$", "(.*a){20}$"]
)
def test_no_expression_takes_more_than_linear_time(expression: str) -> None:
    """With a matcher that goes back, this test does not end."""
    assert not Pattern(expression).search("a" * 3000 + "!")


@pytest.mark.parametrize(
    "text",
    [
        *("(", "a)", "*a", "[a", "a{3,2}", "(?=a)", "(?<!a)b", r"(a)\1", "(?P<n>a)", "\\", "[b-a]"),
        *(f"a{{{MOST_REPEATED + 1}}}", "((a{200}){200}){200}", "(" * 60 + ")" * 60, r"\pL"),
    ],
)
def test_what_has_no_linear_form_is_refused(text: str) -> None:
    """And so is what is no expression."""
    with pytest.raises(ValueError, match=r"."):
        read_pattern(text)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(5))
def test_random_expressions_match_what_every_matcher_finds(seed: int) -> None:
    """Small ones, on short texts, so that the other matcher ends."""
    draw = random.Random(seed)
    for _ in range(6000):
        expression = draw_expression(draw, 4)
        text = "".join(draw.choice("abc1 ") for _ in range(draw.randint(0, 7)))
        expected = re.search(expression, text, re.IGNORECASE) is not None
        assert Pattern(expression).search(text) is expected, (expression, text)


def draw_expression(draw: random.Random, depth: int) -> str:
    share = draw.random()
    if not depth or share < 0.3:
        return draw.choice(["a", "b", "c", ".", "[ab]", "[^c]", r"\w", "^", "$", r"\b", r"\d"])
    inner = draw_expression(draw, depth - 1)
    if share < 0.5:
        return inner + draw_expression(draw, depth - 1)
    if share < 0.65:
        return f"({inner}|{draw_expression(draw, depth - 1)})"
    return f"({inner}){draw.choice(['*', '+', '?', '{1,2}', '{2}', '*?', ''])}"
