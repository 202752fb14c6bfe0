"""What is known is found in any text, in its place, and whatever stands around it."""

import json
import tomllib

from hypothesis import given
from hypothesis import strategies as st

from graphdaemon.diagnosis.explain import explain
from graphdaemon.diagnosis.log_entries import split_entries
from graphdaemon.diagnosis.signs import Kind, find_signs, read_status
from tests.support.places import ROOT
from tests.support.unsigned_tokens import make_token

NOW = 1_772_357_500.0
PASTED = tomllib.loads((ROOT / "tests/support/pasted_texts.toml").read_text("utf-8"))["pasted"]
# Messages of one line, each of which is explained in one way wherever it stands. A line of a file,
# which begins with a name in quotation marks, is explained only at the beginning of a line.
LINES = [
    (row["text"], row["says"])
    for row in PASTED
    if "\n" not in row["text"]
    and len(row["says"]) == 1
    and "responses" not in row["text"]
    and not row["text"].startswith('"')
]
PIECES = st.sampled_from(
    [row["text"] for row in PASTED]
    + ["{", "[", "}", "]", '"', "\\", "<html", "</html>", "eyJ", "AADSTS", "403", "\n", " ", "İ"]
    + ["HTTP/1.1 ", "Traceback (most recent call last):", "error_codes:[", "2026-03-01 09:15:02 "]
    + ['{"responses":[', "During handling of"]
)


def test_each_kind_of_sign_is_found_where_it_stands() -> None:
    """With the place in the text, in order."""
    text = "AADSTS90002 <html> invalid_client ECONNRESET status 503 secret_wrong 169.254.169.254"

    signs = find_signs(text)

    assert [sign.kind for sign in signs] == [
        *(Kind.NUMBER, Kind.PAGE, Kind.OAUTH, Kind.NETWORK, Kind.STATUS, Kind.OWN, Kind.MACHINE),
    ]
    assert [text[sign.start :].split(maxsplit=1)[0] for sign in signs][:4] == [
        *("AADSTS90002", "<html>", "invalid_client", "ECONNRESET"),
    ]


def test_a_letter_that_grows_when_it_is_small_moves_nothing() -> None:
    """`İ` becomes two characters in small letters."""
    text = "İİİ ECONNRESET"

    assert find_signs(text)[0].subject == "ECONNRESET"


def test_a_status_is_read_where_it_is_one() -> None:
    """Not the thousandths of a second, a port, or part of a number."""
    assert read_status("HTTP/1.1 404 Not Found") == 404
    assert read_status("at 09:15:02,404 not found") is None
    assert read_status("in 1404 ms") is None


@given(st.lists(PIECES, max_size=30))
def test_any_text_is_survived(pieces: list[str]) -> None:
    """Every entry lies behind the one before, none is lost, and each explanation is whole."""
    text = "".join(pieces)

    entries = split_entries(text)
    explained = explain(text, NOW)

    assert "".join(text[begin:end] for begin, end in entries) == text
    assert all(one.subject and one.meaning and one.step for one in explained.explanations)


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=6, unique_by=lambda line: line[1][0]))
def test_each_line_of_a_log_gets_what_it_gets_alone(lines: list[tuple[str, list[str]]]) -> None:
    """In the order of the log; lines that say nothing lie between."""
    quiet = "2026-03-01 09:00:00,407 INFO 503 records, 12 pages\n" * 4
    log = quiet.join(f"2026-03-01 09:15:02,403 ERROR {text}\n" for text, _ in lines)

    explanations = explain(log, NOW).explanations

    assert [one.case or one.subject for one in explanations] == [says for _, (says,) in lines]


@given(st.lists(PIECES, max_size=8), st.lists(PIECES, max_size=8))
def test_no_explanation_repeats_a_token(before: list[str], after: list[str]) -> None:
    """Wherever it was pasted, it stays with whoever pasted it."""
    token = make_token(roles=["User.Read.All"])

    explained = explain(f"{''.join(before)} {token} {''.join(after)}", NOW)

    assert token.split(".")[1] not in json.dumps(explained, default=str)
