"""Checks that settings of every kind share: a text, an address, a list; each error says where."""

import json
import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from graphdaemon.errors import SettingsError
from graphdaemon.settings.sources import Layer
from graphdaemon.settings.table import Secret


def invalid(merged: Layer, name: str, problem: str, hint: str) -> SettingsError:
    """The error for a value of the wrong form."""
    source = merged[name][1] if name in merged else "the default"
    return SettingsError(f"{name} in {source} {problem}", code="setting_invalid", hint=hint)


def text(merged: Layer, name: str) -> str | None:
    """Return the text called `name` without blanks around it, or None."""
    if name not in merged:
        return None
    value, _ = merged[name]
    if not isinstance(value, str):
        raise invalid(merged, name, f"is not a text but {json.dumps(value)[:40]}", "Quote it.")
    return value.strip()


def secret(merged: Layer, name: str) -> Secret | None:
    """Return the text called `name`, wrapped so that nothing shows it, or None."""
    value = text(merged, name)
    return Secret(value) if value else None


def path(merged: Layer, name: str) -> Path | None:
    """Return the file or folder called `name`, or None."""
    value = text(merged, name)
    return Path(value) if value else None


def choice(merged: Layer, name: str, words: tuple[str, ...]) -> str | None:
    """Return the word called `name`, which must be one of `words`, or None."""
    value = text(merged, name)
    if value is not None and value not in words:
        raise invalid(merged, name, f"is not {_or(words)}: {value}", f"Write {_or(words)}.")
    return value


def yes_or_no(merged: Layer, name: str) -> bool:
    """Return the switch called `name`; a variable says 1 or true."""
    value, _ = merged.get(name, (False, ""))
    meant = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in meant:
        raise invalid(merged, name, "is neither true nor false", "Write true or false.")
    return meant[value.lower()]


def words(merged: Layer, name: str, example: str) -> tuple[str, ...] | None:
    """Return the list of texts called `name`; one text is split at its blanks."""
    if name not in merged:
        return None
    value, _ = merged[name]
    listed = value.split() if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(word, str) for word in listed):
        raise invalid(merged, name, "is not a list of texts", f"Write {example}.")
    return tuple(listed)


def https(merged: Layer, name: str) -> str | None:
    """Return the https address called `name`, or None."""
    value = text(merged, name)
    if value is None:
        return None
    parts = urlsplit(value)
    if parts.scheme != "https" or not _is_host(parts):
        raise invalid(
            merged,
            name,
            f"is not an https address: {value}",
            f"Write https://{parts.netloc}{parts.path}: tokens travel over TLS only."
            if parts.scheme == "http"
            else "Write it in full, beginning with https://.",
        )
    if "@" in parts.netloc:
        raise invalid(merged, name, "holds a user name", "Leave out what stands before the @.")
    return value


def _is_host(parts: SplitResult) -> bool:
    try:
        host = (parts.hostname or "").encode("idna")
    except UnicodeError:
        return False
    port = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")[2]
    return bool(host) and re.search(rb"[\x00-\x20]", host) is None and port.isdigit() >= bool(port)


def _or(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
