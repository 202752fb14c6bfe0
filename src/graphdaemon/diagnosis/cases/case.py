"""One row of the table of cases."""

from typing import NamedTuple


class Case(NamedTuple):
    """
    One thing that can be wrong.

    Attributes:
        code: One of `errors.CODES`; empty for what is no error.
        meaning: What is the matter, as a sentence.
        step: The next step, in the imperative.
    """

    code: str
    meaning: str
    step: str
