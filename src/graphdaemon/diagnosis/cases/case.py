"""One row of the tables of cases."""

from typing import NamedTuple


class Case(NamedTuple):
    """
    One thing that can be wrong.

    Attributes:
        code: The error code, a key of `errors.CODES`; empty for what is no error.
        meaning: What is wrong, as a sentence.
        step: What to do next, in the imperative.
    """

    code: str
    meaning: str
    step: str
