"""
The page on the library: each public name with its signature as people write it, and what it says.

Signatures are read from the source, where types have the names that people import.
"""

import ast
import importlib
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import graphdaemon
from graphdaemon.client.blocking_client import BlockingClient
from graphdaemon.client.client import Client

# What people make themselves; of other values the attributes say more than the way to make them.
_MADE = ("BlockingClient", "Client", "DeltaLink", "ListingOptions", "Query")
_WIDTH = 88
# What is called in the source otherwise than people would.
_SPELLINGS = {"pa.": "pyarrow."}
# What a method returns that is not async.
_PLAIN = {
    "AsyncGenerator[pyarrow.RecordBatch]": "pyarrow.RecordBatchReader",
    "AsyncGenerator[": "Generator[",
}


def write_library(made: str, prose: Callable[[object], str]) -> str:
    """Return the page; `prose` makes Markdown of a docstring."""
    parts = [made, "# Library\n", f"{inspect.getdoc(graphdaemon)}\n", _list_names()]
    for name in graphdaemon.__all__:
        parts += _write_name(name, prose)
    return "\n".join(parts)


def read_signatures() -> dict[str, str]:
    """Return every signature of the page by the name it is of, such as `Client.list`."""
    signatures: dict[str, str] = {}
    for name in graphdaemon.__all__:
        thing = getattr(graphdaemon, name)
        if inspect.isfunction(thing):
            signatures[name] = _write_function(thing, name)
        elif not inspect.isclass(thing):
            signatures[name] = f"{name} = {_find_alias(name)[0]}"
        elif not issubclass(thing, Exception):
            if name in _MADE:
                signatures[name] = _write_class(thing)
            signatures |= {
                f"{name}.{method}": _write_method(thing, method, function)
                for method, function in _list_methods(thing)
            }
    return signatures


def _list_names() -> str:
    return " · ".join(f"[`{name}`](#{name.lower()})" for name in graphdaemon.__all__) + "\n"


def _write_name(name: str, prose: Callable[[object], str]) -> Iterator[str]:
    thing = getattr(graphdaemon, name)
    signatures = read_signatures()
    yield f"## `{name}`\n\n{_write_code(name, signatures)}"
    if not inspect.isclass(thing) and not inspect.isfunction(thing):
        yield f"{_link(_find_alias(name)[1], name)}\n"
        return
    yield f"{_link(prose(thing), name)}\n"
    if not inspect.isclass(thing) or issubclass(thing, Exception):
        return
    for method, function in _list_methods(thing):
        whole = f"{name}.{method}"
        yield f"### `{whole}`\n\n{_write_code(whole, signatures)}"
        is_twin = thing is BlockingClient and hasattr(Client, method)
        text = f"As `Client.{method}`, without async.\n" if is_twin else prose(function)
        yield f"{_link(text, name)}\n"


def _write_code(name: str, signatures: Mapping[str, str]) -> str:
    if name not in signatures:
        return ""
    text = signatures[name]
    known = [
        one
        for one in graphdaemon.__all__
        if one != name.partition(".")[0] and re.search(rf"\b{one}\b", text)
    ]
    links = ", ".join(f"[`{one}`](#{one.lower()})" for one in known)
    return f"```python\n{text}\n```\n" + (f"\nSee {links}.\n" if links else "")


def _link(text: str, own: str) -> str:
    """Make links of the public names within a text, but not within its examples."""
    names = "|".join(sorted(set(graphdaemon.__all__) - {own}, key=len, reverse=True))
    blocks = re.split(r"(```.*?```)", text, flags=re.DOTALL)
    blocks[::2] = [
        re.sub(rf"(?<!\[)`({names})`", lambda match: f"[{match[0]}](#{match[1].lower()})", block)
        for block in blocks[::2]
    ]
    return "".join(blocks)


def _list_methods(kind: type) -> list[tuple[str, Any]]:
    return [
        (name, function)
        for name, function in vars(kind).items()
        if not name.startswith("_") and inspect.isfunction(function)
    ]


def _write_method(kind: type, name: str, function: Callable[..., Any]) -> str:
    text = _write_function(inspect.unwrap(function), name)
    if kind is BlockingClient:
        text = text.removeprefix("async ")
        for async_, plain in _PLAIN.items():
            text = text.replace(async_, plain)
    return text


def _write_class(kind: type) -> str:
    """How a value is made: by its fields, or by its constructor."""
    defaults: dict[str, object] | None = getattr(kind, "_field_defaults", None)
    if defaults is not None:
        fields = [
            f"{field}: {_spell(annotation)}"
            + (f" = {_write_value(defaults[field])}" if field in defaults else "")
            for field, annotation in _read_fields(kind).items()
        ]
        return _fold(f"{kind.__name__}(", fields, ")")
    made: Any = vars(kind)["__init__"]
    return _fold(f"{kind.__name__}(", _write_parameters(_parse(made), made), ")")


def _write_function(function: Callable[..., Any], name: str) -> str:
    node = _parse(function)
    # An async generator is no coroutine: it is iterated, not awaited.
    word = "async def" if inspect.iscoroutinefunction(function) else "def"
    returned = "None" if node.returns is None else _spell(node.returns)
    return _fold(f"{word} {name}(", _write_parameters(node, function), f") -> {returned}: ...")


def _write_parameters(node: ast.FunctionDef | ast.AsyncFunctionDef, function: Any) -> list[str]:
    defaults = {
        name: one.default
        for name, one in inspect.signature(function).parameters.items()
        if one.default is not inspect.Parameter.empty
    }
    arguments = node.args

    def write(argument: ast.arg) -> str:
        assert argument.annotation is not None, f"{argument.arg} has a type"
        text = f"{argument.arg}: {_spell(argument.annotation)}"
        has_default = argument.arg in defaults
        return f"{text} = {_write_value(defaults[argument.arg])}" if has_default else text

    written = [write(one) for one in arguments.args if one.arg != "self"]
    if arguments.kwonlyargs:
        written += ["*", *map(write, arguments.kwonlyargs)]
    if arguments.kwarg is not None:
        written.append(f"**{write(arguments.kwarg)}")
    return written


def _write_value(value: object) -> str:
    return repr(value).replace("'", '"')


def _fold(head: str, parts: list[str], tail: str) -> str:
    line = f"{head}{', '.join(parts)}{tail}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([head, *(f"    {part}," for part in parts), tail])


def _spell(annotation: ast.expr) -> str:
    """A type as people write it; one in quotation marks is a type as well."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    text = ast.unparse(annotation).replace("'", '"')
    for source, public in _SPELLINGS.items():
        text = text.replace(source, public)
    return text


def _parse(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef:
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef), "the source of a function"
    return node


def _read_fields(kind: type) -> dict[str, ast.expr]:
    node = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(node, ast.ClassDef), "the source of a class"
    return {
        one.target.id: one.annotation
        for one in node.body
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }


def _find_alias(name: str) -> tuple[str, str]:
    """Return what a name stands for, and the text below it in its module."""
    home = graphdaemon._HOMES[name]  # noqa: SLF001  the one table of public names
    module = importlib.import_module(f"graphdaemon.{home}")
    body = ast.parse(inspect.getsource(module)).body
    for node, following in itertools.pairwise(body):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == name:
            assert isinstance(node, ast.Assign | ast.AnnAssign), "it is assigned"
            assert node.value is not None, "to something"
            assert isinstance(following, ast.Expr), f"{name} says what it is for"
            assert isinstance(following.value, ast.Constant), f"{name} says what it is for"
            return _spell(node.value), inspect.cleandoc(str(following.value.value))
    raise LookupError(name)
