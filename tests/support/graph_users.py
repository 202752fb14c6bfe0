"""Pages of the users that every emulator begins with."""

from collections.abc import Callable
from typing import Any

from entra_emulator.content.seeding.users import draw_users
from tests.support.emulator_probe import Answer, App

DEFAULT = (
    "businessPhones displayName givenName jobTitle mail mobilePhone officeLocation "
    "preferredLanguage surname userPrincipalName id"
).split()


SUCCESS_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;"
    "charset=utf-8"
)


USERS = list(draw_users(250, 0))


Ask = Callable[..., Answer]


def walk(app: App, token: str, target: str, **headers: str) -> list[dict[str, Any]]:
    """Every page from the first on, each link followed byte for byte."""
    pages = []
    while target:
        answer = app.get(target, token, **headers)
        assert answer.status == 200, answer.body
        pages.append(answer.json())
        target = pages[-1].get("@odata.nextLink", "")
    return pages


def ids(pages: list[dict[str, Any]]) -> list[str]:
    return [user["id"] for page in pages for user in page["value"]]
