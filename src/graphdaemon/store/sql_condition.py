"""Check an SQL condition of the user's, so that it can only be a condition in one SELECT."""

import re
from collections.abc import Container

from graphdaemon.errors import UsageError

# A string, a quoted name, the beginning of a comment, and characters that could end a condition.
_PART = re.compile(r"'[^']*'|\"[^\"]*\"|--|/\*|[();'\"]")


def check_condition(text: str, names: Container[str]) -> str:
    """
    Return a condition that can be put between parentheses.

    This checks that the text is a single expression, so that an error message can refer to it; the
    database connection sees to it that the query cannot write. Names in double quotation marks are
    checked, because SQLite treats an unknown one as a string, and then selects nothing
    ("Double-quoted String Literals Are Accepted", sqlite.org).

    Args:
        text: The condition.
        names: The names that may be in double quotation marks, in lower case.

    Raises:
        UsageError: The condition is empty, contains a second statement, a comment or an unknown
            name, or its quotation marks or parentheses do not match.
    """
    depth = 0
    for part in _PART.findall(text):
        if len(part) > 1 and part[0] == '"' and part[1:-1].lower() not in names:
            raise _refuse(text, f"there is no column {part}; texts need single quotation marks")
        depth += {"(": 1, ")": -1}.get(part, 0)
        if part in {"--", "/*"}:
            raise _refuse(text, f"{part} begins a comment")
        if part == ";":
            raise _refuse(text, "; ends a statement")
        if part in {"'", '"'}:
            raise _refuse(text, f"a {part} is not closed")
        if depth < 0:
            raise _refuse(text, "a ) closes nothing")
    if depth:
        raise _refuse(text, "a ( is not closed")
    if not text.strip():
        raise _refuse(text, "it is empty")
    return text.strip()


def _refuse(text: str, problem: str) -> UsageError:
    return UsageError(
        f"--where {text}: {problem}",
        code="query_invalid",
        hint="Write one condition, such as \"department\" = 'Sales'. Double each quotation "
        "mark inside a text.",
    )
