"""
Draw both programs from their code: packages in the layers of the import contracts, and who imports.

The drawing is Mermaid, and stands in docs/explanation/architecture.md. An arrow is left out where
a longer path says the same, so that a reader can follow the rest.
"""

import ast
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
_BEGIN, _END = "<!-- drawn from the code by `make docs` -->\n", "<!-- end of the drawing -->"
_LOOSE = {"__init__", "__main__"}
"""What stands above the layers or is a constant, and so is not drawn."""


def render_page() -> str:
    """The page as it is, with the drawing that today's code gives."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2]
    return f"{before}{_BEGIN}\n```mermaid\n{_draw()}\n```\n\n{_END}{after}"


def read_layers() -> dict[str, list[list[str]]]:
    """The layers of each program, top first; entries of one layer stand side by side."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    return {
        contract["containers"][0]: [layer.split(" | ") for layer in contract["layers"]]
        for contract in contracts
        if contract["type"] == "layers" and "." not in contract["containers"][0]
    }


def read_imports(program: str) -> dict[str, set[str]]:
    """Which entries at the top of a program each entry imports."""
    imports: dict[str, set[str]] = {}
    for path in (ROOT / "src" / program).rglob("*.py"):
        entry = path.relative_to(ROOT / "src" / program).parts[0].removesuffix(".py")
        if entry not in _LOOSE:
            imports.setdefault(entry, set()).update(_list_imports(path, program))
    return {
        entry: {name for name in names if name in imports and name != entry}
        for entry, names in imports.items()
    }


def _list_imports(path: Path, program: str) -> Iterator[str]:
    """The entries of a program that one file imports when it runs, at its top or in a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        statement
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
    }
    for node in ast.walk(tree):
        if node in for_types:  # the contracts leave these out too: they may point up
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            package, *rest = node.module.split(".")
            if package == program:
                yield from rest[:1] or [alias.name for alias in node.names]


def _draw() -> str:
    lines = ["flowchart TB"]
    numbers = count()
    for program, layers in read_layers().items():
        lines.append(f"  subgraph {program}")
        for layer in layers:
            lines += [f"    subgraph {program}{next(numbers)}[ ]", "      direction LR"]
            lines += [f"      {_name(program, entry)}[{entry}]" for entry in layer]
            lines.append("    end")
        lines.append("  end")
        imports = read_imports(program)
        lines += [
            f"  {_name(program, entry)} --> {_name(program, name)}"
            for entry in sorted(imports)
            for name in sorted(_keep_direct(imports, entry))
        ]
    lines.append(
        f"  {_name('graphdaemon', 'cli')} -. starts .-> {_name('entra_emulator', 'server')}"
    )
    return "\n".join(lines)


def _name(program: str, entry: str) -> str:
    """The name of a box; `graph` and `end` alone are words of Mermaid's own."""
    return f"{program}_{entry}"


def _keep_direct(imports: dict[str, set[str]], entry: str) -> set[str]:
    """What an entry imports, without what it reaches through another of its imports too."""
    return {
        name
        for name in imports[entry]
        if not any(name in _reach(imports, other) for other in imports[entry] - {name})
    }


def _reach(imports: dict[str, set[str]], entry: str) -> set[str]:
    return imports[entry].union(*(_reach(imports, name) for name in imports[entry]))
