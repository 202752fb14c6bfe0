import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from entra_emulator.content.seeding.users import draw_users
from entra_emulator.errors import GraphRefusal
from entra_emulator.graph.query.compile import compile_match, split_words
from entra_emulator.graph.query.options import read_query
from entra_emulator.graph.query.search import parse_search
from tests.support.emulator_probe import App

USERS = list(draw_users(250, 0))

SEARCHES: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    '"displayName:an"': lambda u: begins(u, "an"),
    '"displayname:VANCE"': lambda u: begins(u, "vance"),
    '"mail:li.zhou"': lambda u: u["mail"].startswith("li.zhou"),
    '"city:k\u00f6l"': lambda u: u.get("city", "").startswith("K\u00f6l"),
    '"proxyAddresses:smtp:li"': lambda u: any(
        p.casefold().startswith("smtp:li") for p in u["proxyAddresses"]
    ),
    '"displayName:an" OR "mail:li"': lambda u: begins(u, "an") or u["mail"].startswith("li"),
    '"mail:a" AND "displayName:v" OR "mail:z"': lambda u: (
        (u["mail"].startswith("a") and begins(u, "v")) or u["mail"].startswith("z")
    ),
    '"mail:a" AND ("displayName:v" OR "displayName:z")': lambda u: (
        u["mail"].startswith("a") and (begins(u, "v") or begins(u, "z"))
    ),
}


def begins(user: Mapping[str, Any], prefix: str) -> bool:
    words = re.split(r"\W+", user["displayName"].casefold())
    return any(word.startswith(prefix) for word in words)


@pytest.mark.parametrize(("text", "meaning"), SEARCHES.items(), ids=list(SEARCHES))
def test_search(
    app: App, token: str, text: str, meaning: Callable[[Mapping[str, Any]], bool]
) -> None:
    """`$search` finds words of the display name, and the beginnings of the rest."""
    target = f"/v1.0/users?$search={quote(text)}&$top=999"
    answer = app.get(target, token, ConsistencyLevel="eventual")

    found = [user["id"] for user in answer.json()["value"]]
    assert found == [user["id"] for user in USERS if meaning(user)]
    assert found


# "Use the $search query parameter", and its example of a name in two scripts.
TOKENS = {
    "hello world": ["hello", "world"],
    "HelloWorld": ["hello", "world"],
    "helloWORLD": ["hello", "world"],
    "HELLOworld": ["helloworld"],
    "HelloWORld": ["hello", "world"],
    "hello.world": ["hello", "world", "helloworld"],
    "hello123world": ["hello", "123", "world"],
    "\u674e\u56db(David Li)": ["\u674e\u56db", "david", "\u674e\u56dbdavid", "li"],
}


@pytest.mark.parametrize(("text", "words"), TOKENS.items(), ids=range(len(TOKENS)))
def test_words(text: str, words: list[str]) -> None:
    """Texts are split into words as the documentation shows."""
    assert split_words(text, joined=True) == words


FOUND = {
    "displayName:OneVideo": True,
    "displayName:video one": True,
    "displayName:onevid": False,
    "displayName:hello-world": True,
    "displayName:helloworld": True,
    "displayName:video two": False,
    "description:prod": True,
    "description:duction": False,
    "mail:video": True,
    "mail:contoso": False,
}


@pytest.mark.parametrize(("clause", "found"), FOUND.items(), ids=list(FOUND))
def test_groups(clause: str, *, found: bool) -> None:
    """Words are found in any order, from their beginnings, in names and descriptions alone."""
    group = {
        "displayName": "Hello-World OneVideo",
        "description": "Video production",
        "mail": "video@contoso.example",
    }

    matches = compile_match(parse_search("group", f'"{clause}"'))

    assert matches(msgspec.json.encode(group)) is found


def test_with_filter() -> None:
    """`$search` and `$filter` must both hold; with `$search`, no `$count` is needed."""
    raw = "$search=%22displayName:a%22&$filter=endsWith(mail,'x')&$orderby=displayName"
    match = read_query("user", raw, eventual=True).match

    assert match is not None
    assert match(b'{"displayName":"Ana","mail":"x"}')
    assert not match(b'{"displayName":"Ana","mail":"y"}')
    assert not match(b'{"displayName":"Bo","mail":"x"}')


@pytest.mark.parametrize(
    "text",
    [
        *["", "displayName:x", '"x"', '"nothing:x"', '"accountEnabled:x"', '"displayName:"'],
        *['"mail:x" "mail:y"', '"mail:x" or "mail:y"', '"mail:x" OR', 'AND "mail:x"', '"id:x"'],
        *['("mail:x"', '"mail:x")', "()", "(" * 60 + '"mail:x"' + ")" * 60, '"mail:x', "\u00e4"],
    ],
)
def test_malformed(text: str) -> None:
    """Whatever is not a search is refused at the gateway."""
    with pytest.raises(GraphRefusal) as caught:
        parse_search("user", text)

    assert (caught.value.status, caught.value.code) == (400, "BadRequest")


def test_quotes_are_needed() -> None:
    """A clause without quotes is refused in the words that users quoted."""
    with pytest.raises(GraphRefusal) as caught:
        parse_search("user", "displayName:aname")

    assert caught.value.message == (
        "Syntax error: character ':' is not valid at position 11 in 'displayName:aname'."
    )
