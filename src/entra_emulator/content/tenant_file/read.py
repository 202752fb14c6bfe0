"""Read a tenant file and check every value in it before anything is made."""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from entra_emulator.content.export_files import fits_type
from entra_emulator.content.tenant_file.check import check_description
from entra_emulator.content.tenant_file.description import (
    DescribedTable,
    TenantDescription,
    TenantFileError,
    suggest,
)
from entra_emulator.content.tenant_file.keys import OPEN, TABLES
from entra_emulator.model import schema
from entra_emulator.model.records import Record
from entra_emulator.private_files import read_small_file

MOST_OBJECTS = 1_000_000

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What graph keeps as links, as products or as secrets has keys of its own, or none.
_NOT_PROPERTIES = frozenset({"assignedLicenses", "assignedPlans", "passwordProfile"})


def read_tenant_file(path: Path) -> TenantDescription:
    """
    What a tenant file says, checked as a whole.

    Names of drawn users alone are looked up later, when the tenant is made.

    Raises:
        TenantFileError: a value is not what it should be.
        OSError: it cannot be read.
    """
    try:
        content = read_small_file(path)
        loaded = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise TenantFileError(f"{path}: this is not UTF-8. Save the file as UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise TenantFileError(f"{path}: this is not TOML: {error}.") from None
    except ValueError as error:
        raise TenantFileError(f"{path}: {error}, and describes no tenant.") from None
    tenant = read_table(str(path), "", loaded)
    values = tenant.values
    seed, licenses = values.pop("seed", None), values.pop("licenses", None)
    description = TenantDescription(
        path,
        sha256(content).digest(),
        tenant,
        None if seed is None else read_table(f"{path}: seed", "seed", seed).values,
        None if licenses is None else _read_units(f"{path}: licenses", licenses),
        *(
            [
                read_table(f"{path}: {name} {number}{_name_entry(entry)}", name, entry)
                for number, entry in enumerate(values.pop(name, ()), 1)
            ]
            for name in ("users", "groups", "applications")
        ),
    )
    check_description(description)
    return description


def read_table(place: str, table: str, entry: Mapping[str, Any]) -> DescribedTable:
    """
    A table of a tenant file, with its keys and properties checked one by one.

    Args:
        place: what messages call it.
        table: a key of TABLES.
        entry: what stands in it.

    Raises:
        TenantFileError: there is no such key, or it has no such value.
    """
    keys = {key.name: key for key in TABLES[table]}
    values: Record = {}
    properties: Record = {}
    for name, value in entry.items():
        if name in keys:
            values[name] = _read_value(place, table, name, keys[name].form, value)
        elif table in OPEN:
            properties[name] = _read_property(place, table, name, value)
        else:
            raise TenantFileError(f"{place}: no key is named {name!r}. {suggest(name, keys)}")
    for key in TABLES[table]:
        if key.required and not values.get(key.name):
            raise TenantFileError(f"{place}: {key.name} is missing. Every such table needs it.")
    return DescribedTable(place, values, properties)


def _read_property(place: str, table: str, name: str, value: Any) -> Any:
    """A property of the Graph object, under its own name and of its declared type."""
    declared = schema.declared(OPEN[table])
    keys = [key.name for key in TABLES[table]]
    if name in _NOT_PROPERTIES or name not in declared:
        known = [*keys, *(one for one in declared if one not in _NOT_PROPERTIES)]
        if name.startswith("extension_") and schema.canonical(OPEN[table], name):
            return value
        raise TenantFileError(f"{place}: no key is named {name!r}. {suggest(name, known)}")
    written = _write_times(f"{place}, {name}", value)
    edm = declared[name]
    text = "Edm.String" if schema.enumerated(edm.removeprefix("microsoft.graph.")) else edm
    if not fits_type(text, written):
        raise TenantFileError(
            f"{place}: {name} of a {OPEN[table]} is {edm}, and this is not: {_shorten(value)}."
        )
    return written


def _write_times(place: str, value: Any) -> Any:
    """A value of TOML as JSON has it, in which times are texts."""
    if isinstance(value, datetime):
        return _read_time(place, value)
    if isinstance(value, list):
        return [_write_times(place, item) for item in value]
    if isinstance(value, dict):
        return {name: _write_times(place, item) for name, item in value.items()}
    return value


def _read_value(place: str, table: str, name: str, form: str, value: Any) -> Any:
    if form == "tables":
        return _read_tables(place, f"{table}.{name}".removeprefix("."), value)
    if form == "time":
        return _read_time(f"{place}, {name}", value)
    fits, description = _FORMS[form]
    if not fits(value):
        raise TenantFileError(f"{place}: {name} must be {description}, not {_shorten(value)}.")
    if form == "texts" and len({one.casefold() for one in value}) < len(value):
        raise TenantFileError(f"{place}: {name} names something twice. Remove one of the two.")
    return value.lower() if form == "GUID" else value


def _read_tables(place: str, table: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise TenantFileError(
            f"{place}: {table} must be tables, each with [[{table}]] above it, not "
            f"{_shorten(value)}."
        )
    if "." not in table:  # those of the file itself are read with their number
        return value
    name = table.rpartition(".")[2]
    return [
        read_table(f"{place}, {name} {number}", table, one) for number, one in enumerate(value, 1)
    ]


def _read_time(place: str, value: Any) -> str:
    """A time of TOML, or one in a text, as Graph writes it."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise TenantFileError(
            f"{place} must be a time with its zone, such as 2026-01-31T12:00:00Z, not "
            f"{_shorten(value)}."
        )
    try:
        return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")
    except OverflowError:
        raise TenantFileError(f"{place}: {_shorten(value)} is in no year from 1 to 9999.") from None


def _read_units(place: str, entry: Mapping[str, Any]) -> dict[str, int]:
    for name, value in entry.items():
        if not _is_count(value):
            raise TenantFileError(
                f"{place}: {name} must be a number of units, not {_shorten(value)}."
            )
    return dict(entry)


def _name_entry(entry: Mapping[str, Any]) -> str:
    """What an entry is called, behind its number."""
    name = entry.get("userPrincipalName") or entry.get("displayName")
    return f" ({name})" if isinstance(name, str) else ""


def _shorten(value: Any) -> str:
    text = str(value) if isinstance(value, datetime) else repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: Any) -> bool:
    # In Python True is a number as well.
    return type(value) is int and 0 <= value <= MOST_OBJECTS


_FORMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "text": (_is_text, "a text that is not empty"),
    "texts": (
        lambda value: isinstance(value, list) and all(map(_is_text, value)),
        "a list of texts",
    ),
    "flag": (lambda value: isinstance(value, bool), "true or false"),
    "number": (_is_count, f"a whole number from 0 to {MOST_OBJECTS:,}"),
    "GUID": (lambda value: isinstance(value, str) and bool(_GUID.fullmatch(value)), "a GUID"),
    "table": (lambda value: isinstance(value, dict), "a table"),
}
