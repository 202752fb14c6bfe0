"""The tables of cases are whole."""

import re

import pytest

from graphdaemon.diagnosis.advice import advise
from graphdaemon.diagnosis.cases import CASES
from graphdaemon.errors import CODES


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_a_code_a_meaning_and_a_step(case: str) -> None:
    """The code is documented; the sentences are whole, with and without values."""
    row, advice = CASES[case], advise(case)

    assert row.code in CODES or case in {"roles_excessive", "certificate_ending", "secret_ending"}
    assert advice.meaning.endswith(".")
    assert advice.step[0].isupper()
    for text in (advice.meaning, advice.step):
        assert not re.search(r"\{(role|portal|consent|graph|api|host|beyond)\}", text)
