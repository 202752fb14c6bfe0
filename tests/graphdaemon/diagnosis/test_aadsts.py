"""Every AADSTS number that is met has its case."""

import re

import pytest

from graphdaemon.diagnosis.aadsts import AADSTS_NUMBERS, MEANINGS, find_aadsts_case
from graphdaemon.diagnosis.cases import CASES
from tests.support.places import SHARED
from tools.fidelity import list_reached

REFERENCE = SHARED / "reference" / "entra-protocol.md"


def test_every_number_has_one_case() -> None:
    """No number stands twice, and every case is in the table."""
    numbers = [number for listed in AADSTS_NUMBERS.values() for number in listed]

    assert len(numbers) == len(set(numbers))
    assert set(AADSTS_NUMBERS) <= set(CASES)
    assert set(MEANINGS) <= set(numbers)


def test_every_refusal_of_the_pretend_token_service_is_known() -> None:
    """What one can meet when learning is explained."""
    own = 165000  # the emulator's own, against forged forms

    codes = [int(code) for code in list_reached("test_token_endpoint")]
    assert [code for code in codes if find_aadsts_case((code,)) == "identity_refused"] == [own]


def test_every_number_of_the_protocol_reference_is_known() -> None:
    """The numbers that others met in public are ours to explain."""
    if not REFERENCE.exists():
        pytest.skip("the reference lies beside the checkout, and not everywhere")
    text = REFERENCE.read_text(encoding="utf-8")
    table = text[text.index("### 4.8") : text.index("## 5. Access tokens")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    numbers = {int(number) for row in rows for number in re.findall(r"\b\d{5,7}\b", row)}

    assert [
        number for number in sorted(numbers) if find_aadsts_case((number,)) == "identity_refused"
    ] == []
