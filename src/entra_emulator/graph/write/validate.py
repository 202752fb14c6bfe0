"""
Check the values in a body against their declared types, and write them as the service does.

Microsoft's OData library refuses some bodies before the directory reads them; the texts of those
refusals are those of the library.
"""

import re
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from entra_emulator.errors import GraphRefusal, deny
from entra_emulator.graph.write.rules import Rule, find_rule
from entra_emulator.model import schema
from entra_emulator.model.app_management import parse_duration
from entra_emulator.model.records import Record
from entra_emulator.web.context import is_guid

# "Total entries in the manifest" ("Microsoft Entra service limits and restrictions").
MOST_ENTRIES = 1200
# The longest text where no limit is documented; chosen, the service's own limits are smaller.
MOST_CHARACTERS = 32_768

# What the CSDL declares, and recorded answers do not have.
_SILENT = {("permissionScope", "origin")}

_COLLECTION = re.compile(r"Collection\((.+)\)")
_COMPLEX = "microsoft.graph."
_EXTENSION = re.compile(r"extension_[0-9a-f]{32}_\w{1,120}", re.IGNORECASE)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,12}))?([Zz]|[+-]\d\d:\d\d))?"
)
# What `Convert.FromBase64String` passes over.
_WHITE_SPACE = dict.fromkeys(map(ord, " \t\r\n"))


class ObjectBody(NamedTuple):
    """
    The content of a body for an object.

    Args:
        values: its properties.
        binds: the addresses of objects to be linked, by navigation property.
        echoed: read-only properties in a change, see `check_echoed`.
    """

    values: Record
    binds: dict[str, list[str]]
    echoed: Mapping[str, Any] = {}


def read_properties(rule: Rule, body: Record, *, creating: bool) -> ObjectBody:
    """
    The properties in a body by their declared names, checked against their types.

    Args:
        rule: of the type that they are written into.
        body: as it was sent.
        creating: the object is a new one.

    Raises:
        GraphRefusal: 400, saying what is wrong with which property.
    """
    values: Record = {}
    binds: dict[str, list[str]] = {}
    echoed: Record = {}
    for written, value in body.items():
        bare, _, annotation = written.partition("@")
        if annotation == "odata.bind":
            binds[_find_navigation(rule.kind, bare)] = _read_references(value)
        # Other annotations, such as `@odata.type`, say nothing that the types do not; a property
        # that only beta has reads as null, and stays so.
        elif not annotation and not (value is None and _is_of_beta(rule.kind, written)):
            name = _find_name(rule, written)
            if name in values or name in echoed:
                raise deny("property_repeated", name=name)
            if _is_writable(rule, name, creating=creating):
                values[name] = _read_value(rule, name, value)
            elif creating:
                raise deny("property_fixed", name=name)
            else:
                echoed[name] = value
    if _count(values) > MOST_ENTRIES:
        raise deny("object_too_large")
    return ObjectBody(values, binds, echoed)


def check_echoed(kind: str, record: Record, body: ObjectBody) -> None:
    """
    Refuse, with 400, a change of a read-only property of this record.

    One that is sent as it is changes nothing: clients send back objects as they read them
    (terraform-provider-azuread sends the `id` of the federated credential that it changes).
    """
    for name, value in body.echoed.items():
        present = record.get(name, schema.blank(kind, name))
        if not _is_same(schema.declared(kind).get(name, ""), value, present):
            raise deny("property_fixed", name=name)


def require(rule: Rule, values: Record) -> None:
    """Refuse, with 400, a new object that lacks something."""
    for name in rule.required:
        if values.get(name) in (None, ""):
            raise deny("value_missing", name=name, resource=_name_resource(rule.kind))


def refuse_value(kind: str, name: str) -> GraphRefusal:
    """The refusal of a value that a property of this type cannot have."""
    return deny("value_invalid", name=name, resource=_name_resource(kind), target=name)


def read_parameter(kind: str, value: Any) -> Record:
    """An action's parameter of a complex type, {} for null; else `GraphRefusal` 400."""
    return {} if value is None else _read_complex(kind, value)


def fill(kind: str, value: Record) -> Record:
    """A complex value with all its properties, plain ones first, as answers have them."""
    declared = schema.declared(kind)
    names = [name for name in declared if name in value or (kind, name) not in _SILENT]
    shown = {name: value.get(name, schema.blank(kind, name)) for name in names}
    plain = [name for name in names if _COMPLEX not in declared[name]]
    return {name: shown[name] for name in (*plain, *(n for n in names if n not in plain))}


def normalise_time(text: str) -> str:
    """
    A time in UTC, with the fraction it has, as the service writes it.

    Raises:
        ValueError: it is no time.
    """
    parts = _TIME.fullmatch(text)
    if not parts:
        raise ValueError(f"{text!r} is no time")
    day, clock, fraction, zone = parts.groups()
    zone = "+00:00" if zone in {None, "z", "Z"} else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone}").astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} is no time") from error
    # The service counts in ticks of 100 ns, which are seven digits.
    digits = (fraction or "")[:7].rstrip("0")
    # `strftime` of Linux writes years before 1000 with fewer digits.
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + (f".{digits}Z" if digits else "Z")


def _find_name(rule: Rule, written: str) -> str:
    """The declared name of an entity's property; directory extensions have one too."""
    kind = rule.kind
    if written.lower().startswith("extension_"):
        if not _EXTENSION.fullmatch(written):
            raise deny("extension_unknown", name=written)
        return written
    name = schema.canonical(kind, written)
    if name is not None:
        return name
    # A navigation property that is shown like one, and can be sent back so.
    for shown in schema.navigation(kind):
        if shown in rule.fixed and shown.casefold() == written.casefold():
            return shown
    if _is_of_beta(kind, written):
        raise deny("not_emulated", what=f"how to write {schema.canonical_in_beta(kind, written)}")
    raise deny("property_unknown", name=written)


def _is_of_beta(kind: str, written: str) -> bool:
    return schema.canonical_in_beta(kind, written) is not None


def _find_navigation(kind: str, written: str) -> str:
    for name in schema.navigation(kind):
        if name.casefold() == written.casefold():
            return name
    raise deny("property_unknown", name=written)


def _is_writable(rule: Rule, name: str, *, creating: bool) -> bool:
    if name in rule.elsewhere:
        raise deny("not_emulated", what=f"how to write {name}")
    return name not in rule.fixed and (creating or name not in rule.once)


def _is_same(edm: str, sent: Any, present: Any) -> bool:
    """Whether a value is the present one, in another spelling of a time or a GUID at most."""
    if not isinstance(sent, str) or not isinstance(present, str):
        # In Python `True` equals 1.
        return type(sent) is type(present) and bool(sent == present)
    if edm == "Edm.DateTimeOffset" and _TIME.fullmatch(sent):
        time, kept = normalise_time(sent), normalise_time(present)
        # A new application is shown once with a fraction of a second that is not kept (recorded).
        return time == kept or time[: len("2026-01-01T00:00:00")] + "Z" == kept
    return sent == present or (is_guid(sent) and sent.lower() == present)


def _read_references(value: Any) -> list[str]:
    """The addresses in an `@odata.bind`, one or a list of them."""
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, str):
            raise deny("payload_shapeless", node=_name_node(item), expected="PrimitiveValue")
    return items


def _read_value(rule: Rule, name: str, value: Any) -> Any:
    """A property's value as it is kept."""
    if name.startswith("extension_"):
        return _check_extension(name, value)
    edm = schema.declared(rule.kind)[name]
    collection = _COLLECTION.fullmatch(edm)
    if collection:
        if not isinstance(value, list):
            raise deny("payload_shapeless", node=_name_node(value), expected="StartArray")
        items = [_read_item(rule, name, collection[1], item) for item in value]
        _check_items(rule, name, items)
        return items
    if value is None:
        return None
    return _read_item(rule, name, edm, value)


def _read_item(rule: Rule, name: str, edm: str, value: Any) -> Any:
    if value is None:
        raise refuse_value(rule.kind, name)
    if edm.startswith(_COMPLEX) and schema.knows(edm.removeprefix(_COMPLEX)):
        return _read_complex(edm.removeprefix(_COMPLEX), value)
    if isinstance(value, dict | list):
        raise deny("payload_shapeless", node=_name_node(value), expected="PrimitiveValue")
    if edm.startswith(_COMPLEX):
        return _read_member(rule, name, edm.removeprefix(_COMPLEX), value)
    read = _READERS.get(edm)
    if read is None:
        raise deny("not_emulated", what=f"how to write {name}")
    try:
        kept = read(value)
    except (ValueError, TypeError) as error:
        # Cut, because the message repeats it and bodies have up to 4 MB.
        literal = msgspec.json.encode(value).decode().strip('"')[:100]
        raise deny("literal_wrong", literal=literal, type=edm) from error
    if isinstance(kept, str):
        _check_text(rule, name, kept)
    return kept


def _read_complex(kind: str, value: Any) -> Record:
    """A complex value with the properties that were sent; one of an open type as it is."""
    if not isinstance(value, dict):
        raise deny("payload_shapeless", node=_name_node(value), expected="StartObject")
    declared, rule = schema.declared(kind), find_rule(kind)
    if not declared:
        return {name: _check_extension(name, part) for name, part in value.items()}
    values: Record = {}
    for written, part in value.items():
        if "@" in written:
            continue
        name = schema.canonical(kind, written)
        if name is None or name not in declared:
            raise deny("member_unknown", name=written, kind=kind)
        if name in values:
            raise deny("property_repeated", name=name)
        # Passed over, not refused: clients send back complex values as they read them.
        if name not in rule.fixed:
            values[name] = _read_value(rule, name, part)
    require(rule, values)
    return values


def _read_member(rule: Rule, name: str, enumeration: str, value: Any) -> str:
    """A member of an enumeration, in any case of letters."""
    for member in schema.enumerated(enumeration):
        if isinstance(value, str) and member.casefold() == value.casefold():
            return member
    raise refuse_value(rule.kind, name)


def _check_text(rule: Rule, name: str, text: str) -> None:
    if not text and rule.filled:
        raise refuse_value(rule.kind, name)
    if len(text) > rule.lengths.get(name, MOST_CHARACTERS):
        raise refuse_value(rule.kind, name)
    if name in rule.choices and text not in rule.choices[name]:
        raise refuse_value(rule.kind, name)
    if name in rule.guids and not is_guid(text):
        raise refuse_value(rule.kind, name)


def _check_items(rule: Rule, name: str, items: list[Any]) -> None:
    """Plain collections are sets, and have limits."""
    limit = rule.counts.get(name)
    if limit is not None and len(items) > limit:
        raise refuse_value(rule.kind, name)
    plain = [item.casefold() for item in items if isinstance(item, str)]
    if len(set(plain)) < len(plain):
        raise deny("values_repeated")


def _check_extension(name: str, value: Any) -> Any:
    """A value of a type that nobody declared: plain, or a list of plain ones."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict | list):
            raise deny("payload_shapeless", node=_name_node(item), expected="PrimitiveValue")
        # OData knows no integer that is wider.
        if isinstance(item, int) and not -(2**63) <= item < 2**63:
            raise deny("literal_wrong", literal=str(item)[:100], type="Edm.Int64")
        if isinstance(item, str) and len(item) > MOST_CHARACTERS:
            raise refuse_value("directoryObject", name)
    return value


def _name_resource(kind: str) -> str:
    return kind[:1].upper() + kind[1:]


def _name_node(value: Any) -> str:
    """What the OData library calls a JSON value of this type."""
    if isinstance(value, dict):
        return "StartObject"
    return "StartArray" if isinstance(value, list) else "PrimitiveValue"


def _count(value: Any) -> int:
    """How many items the collections in a value have together."""
    if isinstance(value, dict):
        return sum(_count(part) for part in value.values())
    return len(value) + sum(map(_count, value)) if isinstance(value, list) else 0


def _read_string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _read_number(value: Any) -> int:
    # In Python `True` is a number too; in JSON it is none.
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    if not -(2**31) <= value < 2**31:
        raise ValueError
    return value


def _read_guid(value: Any) -> str:
    if not isinstance(value, str) or not is_guid(value):
        raise ValueError
    return value.lower()


def _read_time(value: Any) -> str:
    return normalise_time(_read_string(value))


def _read_binary(value: Any) -> str:
    """
    Base64, without the blanks and line breaks that may stand in it.

    Azure CLI sends certificates in lines of 64 characters (recorded: 918 characters, 201). The
    alphabet of URLs is refused, and padding is needed, as .NET's `Convert.FromBase64String` has it.
    """
    text = _read_string(value).translate(_WHITE_SPACE)
    if len(text) % 4:
        raise ValueError
    a2b_base64(text, strict_mode=True)
    return text


def _read_duration(value: Any) -> str:
    text = _read_string(value)
    parse_duration(text)
    return text


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "Edm.String": _read_string,
    "Edm.Boolean": _read_boolean,
    "Edm.Int32": _read_number,
    "Edm.Guid": _read_guid,
    "Edm.DateTimeOffset": _read_time,
    "Edm.Duration": _read_duration,
    "Edm.Binary": _read_binary,
}
