from urllib.parse import quote

import pytest

from tests.support.emulator_probe import App
from tests.support.graph_users import DEFAULT, USERS, Ask


@pytest.mark.parametrize(
    "spelling",
    [
        "/users/{id}",
        "/users/{ID}",
        "/users/{upn}",
        "/users/{UPN}",
        "/users('{upn}')",
        "/Users('{id}')",
        "//users//{id}/",
        "/myorganization/users/{id}",
        "/myOrganization/USERS('{UPN}')",
    ],
)
def test_spellings(app: App, get: Ask, spelling: str) -> None:
    """One user is found by ID and by user principal name, in every spelling of the path."""
    user_id, upn = USERS[1]["id"], USERS[1]["userPrincipalName"]
    target = spelling.format(id=user_id, ID=user_id.upper(), upn=upn, UPN=upn.upper())
    user = get(target).json()

    assert list(user) == ["@odata.context", *DEFAULT]
    assert user["@odata.context"] == f"{app.probe.emulator.url}/v1.0/$metadata#users/$entity"
    assert user["id"] == user_id


def test_difficult_names(get: Ask) -> None:
    """Guests' names with # and quotes in keys are found when encoded."""
    guest = next(user for user in USERS if user["userType"] == "Guest")
    upn = guest["userPrincipalName"]

    for target in (f"/users/{quote(upn)}", f"/users('{quote(upn)}')"):
        assert get(target).json()["id"] == guest["id"]
    missing = get("/users('o''neill@contoso.example')")
    assert missing.message.startswith("Resource 'o'neill@contoso.example' does not exist")
