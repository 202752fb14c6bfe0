"""The parts of a `$batch` answer are read, whatever they hold."""

import json
from typing import Any

import pytest

from graphdaemon.diagnosis.batch_answers import read_batch_answer


def test_parts_are_read_out_of_a_log_line() -> None:
    """With their id, status, code and words."""
    answer = {
        "responses": [{"id": "7", "status": 403, "body": {"error": {"code": "X", "message": "no"}}}]
    }

    (part,) = read_batch_answer(f"ERROR answer: {json.dumps(answer)} (end)")

    assert part == ("7", 403, "X no", "X")


@pytest.mark.parametrize(
    "responses",
    [None, "x", [1], [{}], [{"id": "1"}], [{"status": True}], [{"status": "403"}]],
    ids=repr,
)
def test_what_is_no_part_is_left_out(responses: Any) -> None:
    """A text that only looks like an answer."""
    assert read_batch_answer(json.dumps({"responses": responses})) == []


@pytest.mark.parametrize(
    "text",
    ["", '"responses"', '{"responses":', '{"responses":' + "[" * 5000, "{" * 5000 + '"responses"'],
    ids=range(5),
)
def test_what_is_no_answer_is_none(text: str) -> None:
    """However deep its brackets are."""
    assert read_batch_answer(text) == []


def test_a_body_that_is_no_error_is_kept_as_words() -> None:
    """A part may hold text or nothing."""
    answer = {
        "responses": [{"id": 1, "status": 502, "body": "bad gateway"}, {"id": 2, "status": 204}]
    }

    assert [
        (part.part, part.words, part.code) for part in read_batch_answer(json.dumps(answer))
    ] == [
        ("1", "bad gateway", None),
        ("2", "None", None),
    ]
