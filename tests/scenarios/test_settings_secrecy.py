"""A secret setting of the wrong form is named, and its value never repeated, by no command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graphdaemon.errors import SettingsError
from graphdaemon.settings.read import read_settings
from graphdaemon.settings.table import SETTINGS
from tests.support.leak_search import find_leaks
from tests.support.run_command import Command
from tests.support.settings_files import GOOD, write

VALUE = "xOm8Q~Yk3vT.w7bN_rL2cJ9dF-hG5sA1pZ6uE4iX"
NUMBER = 471147118293
COMMANDS: dict[str, tuple[str, ...]] = {
    "users": ("users",),
    "list": ("list", "groups"),
    "get": ("get", "users/1"),
    "count": ("count", "users"),
    "request": ("request", "GET", "/users"),
    "token": ("token",),
    "doctor": ("doctor",),
    "doctor --json": ("doctor", "--json"),
    "consent": ("consent",),
    "certificate rotate": ("certificate", "rotate"),
    "register --as": ("register", "--as"),
}
FORMS: dict[str, Any] = {
    "list": [VALUE],
    "list in a list": [[VALUE], [VALUE]],
    "number": NUMBER,
    "fraction": NUMBER / 100,
    "table": {"value": VALUE},
    "table of its own": {VALUE: 1},
    "switch": True,
    "a table in a list": [{"value": VALUE}],
}
KEYS = ["secret", "passphrase", "token_cache_url", "token_cache_key", "budget_url"]
KEYS += ["store", "feed_secret"]
MISSPELT = ["client_secret", "Secret", "secrets", "pass_phrase", "cache_key", "SECRET "]


def list_places() -> Iterator[tuple[str, Callable[[Any], dict[str, Any]]]]:
    """Where a secret can stand, or is put by those who do not know better."""

    def put(name: str, besides: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
        return lambda value: besides | {name: value}

    def put_in_list(name: str, besides: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
        return lambda value: {"secret": None, "credentials": [besides | {name: value}]}

    key = {"private_key_file": "k.pem"}
    for name in KEYS:
        yield name, put(name, key | {"secret": None} if name == "passphrase" else {})
    for name in MISSPELT:
        yield name, put(name, {})
    for name in ("secret", "passphrase", "client_secret"):
        yield f"{name} in credentials", put_in_list(name, key if name == "passphrase" else {})
    yield "credentials", put("credentials", {"secret": None})


PLACES = dict(list_places())


def pieces(*values: object) -> list[str]:
    """Every part of eight signs: a message that repeats the first of them is a leak as well."""
    texts = [str(value) for value in values]
    return [text[at : at + 8] for text in texts for at in range(len(text) - 7)]


SECRET_PIECES = pieces(VALUE, NUMBER)


def to_toml(values: dict[str, Any]) -> str:
    def write_value(value: Any) -> str:
        if isinstance(value, dict):
            return (
                "{"
                + ", ".join(f"{json.dumps(k)} = {write_value(v)}" for k, v in value.items())
                + "}"
            )
        if isinstance(value, list):
            return "[" + ", ".join(map(write_value, value)) + "]"
        return json.dumps(value)

    lines = [f"{json.dumps(k)} = {write_value(v)}" for k, v in values.items() if v is not None]
    return "\n".join(lines)


def test_every_secret_setting_is_tried() -> None:
    """A further one is added to this page's table with it."""
    assert {row.name for row in SETTINGS if row.form == "secret"} == set(KEYS)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_repeats_a_secret_of_the_wrong_form(
    command: Command, tmp_path: Path, name: str, form: str
) -> None:
    """Each place in turn, in JSON and in TOML; it is refused as a wrong setting each time."""
    for place, put in PLACES.items():
        values = GOOD | put(FORMS[form])
        for path in (
            write(tmp_path, values),
            write(tmp_path, to_toml(values), "settings.toml"),
        ):
            outcome = command(*COMMANDS[name], path)
            texts = {"stdout": outcome.out, "stderr": outcome.err.encode()}

            assert find_leaks(SECRET_PIECES, texts) == [], (place, path.name)
            assert outcome.code == 3, (place, path.name, outcome.err)
            assert b"Traceback" not in outcome.err.encode()


@pytest.mark.parametrize("value", [VALUE.encode(), bytearray(VALUE.encode()), (VALUE,), {VALUE}])
@pytest.mark.parametrize("place", PLACES)
def test_no_error_repeats_a_secret_that_a_caller_gives_in_the_wrong_form(
    tmp_path: Path, place: str, value: object
) -> None:
    """A program may give what no file can hold."""
    path = write(tmp_path, GOOD | {"secret": None})

    with pytest.raises(SettingsError) as caught:
        read_settings(path, {}, PLACES[place](value))

    said = {"error": f"{caught.value!r} {caught.value} {caught.value.hint}".encode()}
    assert find_leaks(SECRET_PIECES, said) == []


HALVES = VALUE[:20], VALUE[20:]
ODD_VARIABLES = {
    "half a quote": {"AZURE_CLIENT_SECRET": f'"{VALUE}'},
    "unseen within": {"AZURE_CLIENT_SECRET": "\u200b".join(HALVES)},
    "two lines": {"GRAPHDAEMON_SECRET": "\n".join(HALVES)},
    "no Redis address": {"GRAPHDAEMON_BUDGET_URL": VALUE},
    "http": {"GRAPHDAEMON_BUDGET_URL": f"http://u:{VALUE}@h"},
    "port": {"GRAPHDAEMON_BUDGET_URL": f"rediss://u:{VALUE}"},
    "port too great": {"GRAPHDAEMON_BUDGET_URL": f"rediss://u:{VALUE}@h:99999"},
    "bracket": {"GRAPHDAEMON_TOKEN_CACHE_URL": f"rediss://u:[{VALUE}@h"},
    "hash": {"GRAPHDAEMON_TOKEN_CACHE_URL": f"rediss://u:{'#'.join(HALVES)}@h"},
    "slash": {"GRAPHDAEMON_TOKEN_CACHE_URL": f"rediss://u:{'/'.join(HALVES)}@h"},
    "compatibility sign": {"GRAPHDAEMON_BUDGET_URL": f"rediss://u:{VALUE}\u2100@h"},
    "user in authority": {"GRAPHDAEMON_AUTHORITY": f"https://u:{VALUE}@h/t"},
    "http authority": {"GRAPHDAEMON_AUTHORITY": f"http://u:{VALUE}@h/t"},
    "slash in authority": {"GRAPHDAEMON_AUTHORITY": f"http://u:1/{VALUE}@h/t"},
    "hash in endpoint": {"GRAPHDAEMON_ENDPOINT": f"https://u:{'#'.join(HALVES)}@h/t"},
    "in a choice": {"GRAPHDAEMON_CREDENTIAL": VALUE},
    "in the region": {"GRAPHDAEMON_REGION": VALUE},
    "in the cloud": {"GRAPHDAEMON_CLOUD": VALUE},
    "in a file's place": {"GRAPHDAEMON_CONFIG": VALUE},
    "in the keyring's place": {"GRAPHDAEMON_SECRET_KEYRING": VALUE},
}


@pytest.mark.parametrize("variables", ODD_VARIABLES.values(), ids=ODD_VARIABLES.keys())
def test_no_error_repeats_a_secret_of_the_environment(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
) -> None:
    """Half a quote, signs that cannot be seen, a password in an address, the wrong variable."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, GOOD)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    for arguments in (("token",), ("doctor",), ("doctor", "--json")):
        outcome = command(*arguments)

        assert find_leaks(SECRET_PIECES, {"out": outcome.out, "err": outcome.err.encode()}) == []
        assert outcome.code == 3
        assert "Traceback" not in outcome.err
