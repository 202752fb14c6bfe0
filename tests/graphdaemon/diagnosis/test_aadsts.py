"""Every AADSTS number that is met has its case."""

import re
import tomllib

import pytest

from graphdaemon.diagnosis.aadsts import advise_on_aadsts, choose_number, find_aadsts_case
from graphdaemon.diagnosis.aadsts_numbers import AADSTS_NUMBERS, MEANINGS, STEPS
from graphdaemon.diagnosis.cases import CASES
from tests.support.places import ROOT, SHARED
from tools.fidelity import list_reached

REFERENCE = SHARED / "reference" / "entra-protocol.md"


def test_every_number_has_one_case() -> None:
    """No number stands twice, and every case is in the table."""
    numbers = [number for listed in AADSTS_NUMBERS.values() for number in listed]

    assert len(numbers) == len(set(numbers))
    assert set(AADSTS_NUMBERS) <= set(CASES)
    assert set(MEANINGS) | set(STEPS) <= set(numbers)


def test_every_published_number_is_known() -> None:
    """Microsoft's own list, whole: what concerns users alone is said to."""
    text = (ROOT / "tests/support/published_aadsts.toml").read_text("utf-8")
    published = tomllib.loads(text)["numbers"]

    assert len(published) == len(set(published)) > 280
    assert [one for one in published if find_aadsts_case((one,)) == "identity_refused"] == []


@pytest.mark.parametrize(
    ("numbers", "cause"),
    [((70002, 50027), 50027), ((50012, 70002), 50012), ((70002,), 70002), ((1, 90002), 90002)],
)
def test_a_wrapper_gives_way_to_the_cause(numbers: tuple[int, ...], cause: int) -> None:
    """70002 says that credentials were refused, and the number beside it why."""
    assert choose_number(numbers) == cause


@pytest.mark.parametrize(
    ("number", "text", "case"),
    [
        (50012, "Invalid client secret is provided.", "secret_wrong"),
        (50012, "Client assertion contains an invalid signature.", "certificate_refused"),
        (50012, "The signing certificate's subject name is not authorized", "certificate_chain"),
        (700027, "[Reason - The key used is expired.]", "certificate_expired"),
        (700027, "the application trusts a subject name and issuer", "certificate_chain"),
        (70001, "Application is disabled", "client_disabled"),
        (70021, "for presented assertion subject 'x'", "federation_subject"),
        (70021, "", "federation_unmatched"),
        (700023, "The scope names no resource", "scope_invalid"),
    ],
)
def test_the_text_tells_the_causes_of_one_number_apart(number: int, text: str, case: str) -> None:
    """Where one number stands for several, what stands behind it decides."""
    assert find_aadsts_case((number,), text) == case


@pytest.mark.parametrize(
    ("number", "step"),
    [
        (50194, "in place of common"),
        (50196, "Keep each token"),
        (650057, "Add one of the API's application permissions"),
        (900382, "login.microsoftonline.us"),
        (70021, "iss, sub and aud"),
        (7000229, "makes the service principal"),
        (1002016, "TLS 1.2"),
        (82001, "fmi_path={the agent identity's client ID}"),
        (82002, "as the agent identity with that token as client_assertion"),
        (700016, "Compare client_id"),
        (50011, "letter for letter"),
        (500113, "After the consent page, ignore it"),
    ],
)
def test_the_step_of_a_number_fits_its_meaning(number: int, step: str) -> None:
    """The same words in a command's hint, the doctor and `explain`."""
    assert step in advise_on_aadsts((number,)).step


def test_a_number_about_users_says_so() -> None:
    """Its meaning, and that does not concern an app without a user it."""
    meaning = advise_on_aadsts((65001,)).meaning

    assert meaning.startswith("A user, or an administrator")
    assert "does not concern an app without a user" in meaning


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
