"""A condition of the user's stays one condition."""

import pytest

from graphdaemon.errors import UsageError
from graphdaemon.store.sql_condition import check_condition

NAMES = {"department", "a ( name"}


@pytest.mark.parametrize(
    "text",
    [
        "1 = 1",
        " \"department\" = 'Sales' AND (city IS NULL OR city LIKE 'B%') ",
        "displayName = 'O''Brien; -- (/*'",
        '"a ( name" = 1',
        "a - b > 1",
    ],
)
def test_what_is_one_condition_is_taken(text: str) -> None:
    assert check_condition(text, NAMES) == text.strip()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1 = 1; DROP TABLE users_records", "; ends a statement"),
        ("1 = 1) OR (1 = 1", "a ) closes nothing"),
        ("(1 = 1", "a ( is not closed"),
        ("1 = 1 -- and so on", "-- begins a comment"),
        ("1 = 1 /* and so on */", "begins a comment"),
        ("name = 'x", "a ' is not closed"),
        ('"name = 1', 'a " is not closed'),
        ("\"departmnt\" = 'Sales'", 'there is no column "departmnt"'),
        ('department = "Sales"', 'there is no column "Sales"'),
        ("  ", "it is empty"),
    ],
)
def test_what_is_more_or_less_than_one_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_condition(text, NAMES)

    assert problem in str(caught.value)
    assert caught.value.code == "query_invalid"
