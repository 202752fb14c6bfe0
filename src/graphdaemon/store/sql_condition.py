"""A condition of SQL that a person writes, to stand within one SELECT and nowhere else."""

import re
from collections.abc import Container

from graphdaemon.errors import UsageError

# A text, a name in quotation marks, what begins a comment, and signs that could end a condition.
_PART = re.compile(r"'[^']*'|\"[^\"]*\"|--|/\*|[();'\"]")


def check_condition(text: str, names: Container[str]) -> str:
    """
    Return a condition that can be written between parentheses.

    That it only reads is the connection's to see to; here it is made sure that it is one
    expression, so that what is wrong in it is said of it. SQLite takes an unknown name in quotation
    marks for a text, and finds nothing ("Double-quoted String Literals Are Accepted", sqlite.org).

    Args:
        text: The condition.
        names: What may stand in quotation marks, in small letters.

    Raises:
        UsageError: It is empty, holds a second statement or a comment, names what there is not, or
            its quotation marks or parentheses do not match.
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
