"""The query options of the audit logs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.audit_log_scene import LogScene
from tests.support.emulator_probe import Probe, running

SIGN_INS = "/auditLogs/signIns"


@pytest.fixture(scope="module")
def scene(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogScene]:
    with ExitStack() as stack:

        def launch(**settings: object) -> Probe:
            return stack.enter_context(running(keys, tmp_path_factory.mktemp("logs"), **settings))

        yield LogScene(launch, users=300)


CONDITIONS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "createdDateTime ge 2027-01-10T00:00:00Z": lambda e: str(e["createdDateTime"]) >= "2027-01-10",
    "createdDateTime gt 2027-01-10T00:00:00Z and createdDateTime lt 2027-01-12T00:00:00Z": (
        lambda e: "2027-01-10" <= str(e["createdDateTime"]) < "2027-01-12"
    ),
    "createdDateTime le 2027-01-05": lambda e: str(e["createdDateTime"]) < "2027-01-05T00:00:01",
    "appDisplayName eq 'Microsoft Teams'": lambda e: e["appDisplayName"] == "Microsoft Teams",
    "startsWith(appDisplayName,'microsoft')": (
        lambda e: str(e["appDisplayName"]).startswith("Microsoft")
    ),
    "status/errorCode ne 0": lambda e: e["status"]["errorCode"] != 0,
    "location/countryOrRegion eq 'JP'": (lambda e: e["location"]["countryOrRegion"] == "JP"),
    "startswith(userPrincipalName,'a') or startswith(userPrincipalName,'b')": (
        lambda e: str(e["userPrincipalName"])[0] in "ab"
    ),
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_filter_finds_what_the_whole_log_has(scene: LogScene, condition: str) -> None:
    everything, keeps = scene.list(SIGN_INS), CONDITIONS[condition]
    matching = [entry for entry in everything if keeps(entry)]

    assert 0 < len(matching) < len(everything)
    assert scene.list(SIGN_INS, condition=condition) == matching
    assert scene.list(SIGN_INS, condition=condition, more="$top=7") == matching


def test_the_entries_of_one_user_are_found_by_the_users_id(scene: LogScene) -> None:
    everything = scene.list(SIGN_INS)
    user_id = everything[len(everything) // 2]["userId"]

    own = scene.list(SIGN_INS, condition=f"userId eq '{user_id}'")
    assert own == [entry for entry in everything if entry["userId"] == user_id]
    assert scene.list(SIGN_INS, condition=f"userId eq '{user_id}' and status/errorCode eq 1") == []


@pytest.mark.parametrize("top", [1, 7, 50, 1000, 5000])
def test_pages_of_any_size_hold_every_entry_once_newest_first(scene: LogScene, top: int) -> None:
    entries = scene.list(SIGN_INS, more=f"$top={top}&$select=id,createdDateTime")
    moments = [entry["createdDateTime"] for entry in entries]

    assert moments == sorted(moments, reverse=True)
    assert len({entry["id"] for entry in entries}) == len(entries) > 150
    upwards = scene.list(
        SIGN_INS, more=f"$top={top}&$select=id,createdDateTime&$orderby=createdDateTime"
    )
    assert upwards == entries[::-1]
    downwards = scene.list(
        SIGN_INS, more="$select=id,createdDateTime&$orderby=createdDateTime%20desc"
    )
    assert downwards == entries


@pytest.mark.parametrize(
    "condition",
    [
        "createdDateTime ge '2021-09-07T00:00:00Z'",
        "createdDateTime ne 2027-01-10T00:00:00Z",
        "contains(appDisplayName,'Teams')",
        "startswith(userId,'a')",
        "nothing eq 'x'",
        "createdDateTime",
        "appliedConditionalAccessPolicies/any()",
        "signInEventTypes/any(t: t eq 'servicePrincipal')",
        "userAgent eq 'curl'",
    ],
)
def test_what_the_service_does_not_filter_by_is_an_invalid_clause(
    scene: LogScene, condition: str
) -> None:
    refused = scene.ask(SIGN_INS, condition=condition)

    assert (refused.status, refused.code) == (400, "BadRequest")
    assert refused.message == "Invalid filter clause"


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ("$top=0", 400),
        ("$top=x", 400),
        ("$orderby=userId", 400),
        ("$orderby=createdDateTime%20up", 400),
        ("$select=nothing", 400),
        ("$select=signInEventTypes", 400),
        ("$skiptoken=x", 400),
        ("$search=%22a%22", 501),
        ("$expand=user", 501),
        ("$count=true", 501),
        ("$skip=1", 501),
    ],
)
def test_other_options_are_refused(scene: LogScene, more: str, status: int) -> None:
    assert scene.ask(SIGN_INS, more=more).status == status


def test_what_only_beta_has_is_shown_in_beta_alone(scene: LogScene) -> None:
    (plain,) = scene.ask(SIGN_INS, more="$top=1").json()["value"]
    (beta,) = scene.ask(f"/beta{SIGN_INS}", more="$top=1").json()["value"]

    assert beta.items() >= plain.items()
    assert {"signInEventTypes", "userAgent", "servicePrincipalId"} <= beta.keys() - plain.keys()
