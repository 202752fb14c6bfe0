"""`$expand`: which linked objects to show inside an object."""

import re
from dataclasses import dataclass

from entra_emulator.errors import deny
from entra_emulator.graph.query.select import find_navigation, read_select
from entra_emulator.model import schema

# "The n value of $levels can be max or a number between 1 and 1000" ("List manager").
MAX_LEVELS = 1000

# No parentheses within the options: Graph expands one level and no `$expand` inside another ("Some
# limitations apply to query parameters").
_TERM = re.compile(r"\s*(?P<name>[A-Za-z_]\w*)\s*(?:\((?P<options>[^()]*)\))?\s*")


@dataclass(frozen=True, slots=True)
class Expand:
    """
    One navigation property to expand.

    Args:
        navigation: its canonical name, e.g. `manager`.
        select: the properties to show of each linked object; None shows the default set.
        levels: how many managers to follow, each the manager of the one before.
    """

    navigation: str
    select: tuple[str, ...] | None = None
    levels: int = 1


def read_expand(kind: str, text: str, *, collection: bool) -> Expand | None:
    """
    The one navigation property in `$expand`; None when it is empty.

    Raises:
        GraphRefusal: 400, it names several, an unknown one, or options that do not belong to it.
    """
    if not text.strip():
        return None
    term = _TERM.match(text)
    if term is None:
        raise deny("select_malformed", name=text)
    if text[term.end() :].startswith(","):
        raise deny("expand_many")
    if term.end() < len(text):
        raise deny("select_malformed", name=text)
    navigation = find_navigation(kind, term["name"])
    if navigation is None:
        name = schema.canonical(kind, term["name"])
        if name is None:
            raise deny("select_unknown", name=term["name"], kind=kind)
        raise deny("expand_scalar", name=name, kind=kind)
    target = schema.navigation(kind)[navigation]
    return _read_options(navigation, target, term["options"] or "", collection=collection)


def _read_options(navigation: str, target: str, text: str, *, collection: bool) -> Expand:
    """The property with the options in its parentheses, e.g. `$levels=max;$select=id`."""
    select, levels = None, 1
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name.lower() == "$select":
            select = _select_linked(target, value)
        elif name.lower() == "$levels" and navigation == "manager":
            if collection:
                raise deny("expand_levels")
            levels = _read_levels(value)
        else:
            raise deny("expand_option", option=name, navigation=navigation)
    return Expand(navigation, select, levels)


def _select_linked(target: str, text: str) -> tuple[str, ...] | None:
    kind = target.removeprefix("Collection(").removesuffix(")").removeprefix("microsoft.graph.")
    if schema.knows(kind):
        return read_select(kind, text, collection=True)
    # The names of a type whose schema is not here cannot be checked.
    return tuple(name.strip() for name in text.split(",")) or None


def _read_levels(text: str) -> int:
    if text == "max":
        return MAX_LEVELS
    # Five digits show whether a number is too great; Python refuses to convert many thousands.
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= MAX_LEVELS):
        raise deny("levels_malformed", value=text)
    return int(text)
