"""Every regular expression of a program, and how it is used, read from its source."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_SEARCHES = {"search", "findall", "finditer", "sub", "subn", "split"}
_WHOLE = {"fullmatch"}
_USES = _SEARCHES | _WHOLE | {"match"}


class Pattern(NamedTuple):
    """
    One regular expression.

    Attributes:
        place: The module in which it stands, and its name or that of the function it stands in.
        text: The expression; None if it is computed where it is used.
        flags: Those that it is compiled with.
        uses: The names of the functions it is used with.
    """

    place: str
    text: str | bytes | None
    flags: int
    uses: frozenset[str]

    @property
    def searches(self) -> bool:
        """Whether a match may begin anywhere; assumed where nothing shows how it is used."""
        return not self.uses or not _SEARCHES.isdisjoint(self.uses)

    @property
    def whole(self) -> bool:
        """Whether a match has to end with the text."""
        return not self.uses or not _WHOLE.isdisjoint(self.uses)


def list_patterns(source: Path) -> Iterator[Pattern]:
    """List the regular expressions of all modules below `source`, the folder of a distribution."""
    texts = {path: path.read_text("utf-8") for path in sorted(source.rglob("*.py"))}
    # Every worker of the tests does this while it collects: no tree is walked in vain.
    trees = {path: ast.parse(text) for path, text in texts.items()}
    uses_of = {path: _list_uses(tree) for path, tree in trees.items()}
    for path, tree in trees.items():
        if "re." not in texts[path]:
            continue
        uses = uses_of[path]
        compiled = {
            id(node.value): node.targets[0].id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        place = path.relative_to(source).as_posix()
        functions = {
            id(call): node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for call in ast.walk(node)
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            function = call.func
            if not (isinstance(function, ast.Attribute) and _name(function.value) == "re"):
                continue
            if function.attr == "compile":
                name = compiled.get(id(call), "")
                # A name without an underscore may be used in another module.
                known = uses.get(name, set())
                if name and not name.startswith("_"):
                    known = known.union(*(other.get(name, ()) for other in uses_of.values()))
                if name and name in (module := _load(place)).__dict__:
                    made = module.__dict__[name]
                    yield Pattern(f"{place}: {name}", made.pattern, made.flags, frozenset(known))
                    continue
                yield _read(call, f"{place}: {functions[id(call)]}", known)
            elif function.attr in _USES and (name := _name(call.args[0])):
                yield _read_named(call, place, name, function.attr)
            elif function.attr in _USES:
                yield _read(call, f"{place}: {functions[id(call)]}", {function.attr})


def _read(call: ast.Call, place: str, uses: set[str]) -> Pattern:
    text = call.args[0].value if isinstance(call.args[0], ast.Constant) else None
    assert text is None or isinstance(text, str | bytes)
    return Pattern(place, text, _read_flags(call), frozenset(uses))


def _read_named(call: ast.Call, place: str, name: str, use: str) -> Pattern:
    """Read an expression that stands at the top of its module, and is compiled at the first use."""
    text = getattr(_load(place), name, None)
    assert text is None or isinstance(text, str | bytes)
    return Pattern(f"{place}: {name}", text, _read_flags(call), frozenset({use}))


def _read_flags(call: ast.Call) -> int:
    named = [node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute)]
    return sum(getattr(re, name) for name in named if name.isupper() and hasattr(re, name))


def _list_uses(tree: ast.Module) -> dict[str, set[str]]:
    """List with which functions each name is used: `_NAME.search`, wherever it stands."""
    uses: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in _USES:
            uses.setdefault(_name(node.value), set()).add(node.attr)
    return uses


def _name(node: Any) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _load(place: str) -> Any:
    name = place.removesuffix(".py").removesuffix("/__init__")
    return importlib.import_module(name.replace("/", "."))
