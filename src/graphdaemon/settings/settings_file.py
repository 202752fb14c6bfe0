"""The settings file, JSON or TOML, as it stands: its values unchecked."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from graphdaemon.errors import SettingsError
from graphdaemon.settings.file_content import read_small_file
from graphdaemon.settings.text import decode_text, quote

DEFAULT_FILE = "parameters.json"


def read_settings_file(path: Path) -> dict[str, Any]:
    """
    Return what the file says, by its names.

    Raises:
        SettingsError: It does not exist, cannot be read, or is neither JSON nor TOML.
    """
    try:
        text = decode_text(read_small_file(path))
    except FileNotFoundError:
        raise SettingsError(
            f"no settings: {quote(str(path))} does not exist",
            code="no_settings",
            hint="Check the path, or run `graphdaemon quickstart` to see the job without any file.",
        ) from None
    except IsADirectoryError:
        raise SettingsError(
            f"{quote(str(path))} is a folder, not a settings file",
            code="settings_unreadable",
            hint=f"Name a file in it, such as {path / DEFAULT_FILE}.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is neither UTF-8 nor UTF-16 text"
        raise SettingsError(
            f"{path} cannot be read: {reason}",
            code="settings_unreadable",
            hint="Check that it is a text file, and that this user may read it.",
        ) from None
    parse = _parse_toml if path.suffix == ".toml" else _parse_json
    return parse(path, text)


def _parse_json(path: Path, text: str) -> dict[str, Any]:
    try:
        values = json.loads(text, object_pairs_hook=partial(_refuse_repeated, path))
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"{path} is not JSON: line {error.lineno}, column {error.colno}: {error.msg}",
            code="settings_malformed",
            hint="JSON has no comments and no comma after the last entry; use the note key for "
            "remarks."
            if "//" in text or re.search(r",\s*[}\]]", text)
            else "Correct that place; strings and names stand in double quotes.",
        ) from None
    except (ValueError, RecursionError):
        raise _beyond_reading(path, "JSON") from None
    if not isinstance(values, dict):
        raise SettingsError(
            f"{path} is not a JSON object",
            code="settings_malformed",
            hint='It must begin with { and hold names and values, such as "client_id": "ID".',
        )
    return values


def _refuse_repeated(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; of a name that it has twice, Python would take the last in silence."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise SettingsError(
            f"{path} names {quote(repeated)} twice",
            code="settings_malformed",
            hint="Keep the one that is meant.",
        )
    return values


def _parse_toml(path: Path, text: str) -> dict[str, Any]:
    # Most settings are JSON, and importing this takes longer than reading them.
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path} is not TOML: {error}",
            code="settings_malformed",
            hint='Each line reads name = "value".',
        ) from None
    except (ValueError, RecursionError):
        raise _beyond_reading(path, "TOML") from None


def _beyond_reading(path: Path, form: str) -> SettingsError:
    # Python reads no number of more than 4300 digits, and no list a thousand deep.
    return SettingsError(
        f"{path} is not {form} that can be read: a number in it is too long, or a list too deep",
        code="settings_malformed",
        hint="Put every value into double quotes.",
    )
