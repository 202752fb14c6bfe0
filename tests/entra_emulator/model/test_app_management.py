import pytest

from entra_emulator.model.app_management import draft_default_policy, holds_for, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("P4DT12H30M5S", 4 * 86_400 + 12 * 3_600 + 30 * 60 + 5),
        ("P90D", 90 * 86_400),
        ("PT0.5S", 0.5),
        ("PT1M", 60),
    ],
)
def test_a_duration_is_read_as_the_documentation_writes_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "P", "PT", "P4DT", "4D", "P1Y", "P-1D", "P1D ", "P1d"])
def test_what_is_no_duration_in_days_and_less_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


def test_a_service_principal_without_a_date_counts_as_one_of_2019() -> None:
    undated = {"createdDateTime": None}

    assert holds_for({"restrictForAppsCreatedAfterDateTime": "2018-12-31T00:00:00Z"}, undated)
    assert not holds_for({"restrictForAppsCreatedAfterDateTime": "2019-01-02T00:00:00Z"}, undated)


def test_the_rules_of_2024_restrict_nothing() -> None:
    policy = draft_default_policy(2024)

    assert not policy["isEnabled"]
    assert policy["applicationRestrictions"]["identifierUris"] is None
