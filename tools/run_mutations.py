"""
Change the client's code in one small way at a time, and see whether a test notices.

Run it with `make mutation`. In each package 100 places are drawn at random, the same ones as long
as the code is the same, and a mutant is made at each. Of the package's own tests and its scenarios,
those that run the changed statement are run, the fastest first. A mutant is caught when one of
them fails or does not end; otherwise it has survived, and is printed: a test is missing, or the
change makes no difference.

No mutant is made of what cannot matter here: texts (messages, what is logged, docstrings),
annotations, assertions (they only tell the type checker what it cannot see), branches for other
operating systems, and fractional quantities above 10, where one more or less is a matter of tuning.
Nor of what fails at once or never, such as `a << b` for `a + b`.
"""

import argparse
import ast
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.plugins import get_operator, operator_names
from cosmic_ray.work_item import MutationSpec
from coverage import CoverageData

ROOT = Path(__file__).parents[1]
SCENARIOS = {
    "listing": ("test_list_emulator", "test_listing_lies", "test_listing_properties"),
    "auth": ("test_far_token_service", "test_secrecy"),
    "graph": ("test_list_emulator", "test_leaks", "test_budget_shared"),
    "protect": ("test_protected_frameworks", "test_howto_protect"),
}
"""Each package whose code is changed, and the scenarios that are its tests too."""

COUNT, SEED = 100, 12
PATIENCE_S = 10.0
"""Where a mutant's tests take longer than this in all, the slowest are left out."""

_OPTIONS = ("-x", "-p", "no:cacheprovider", "--hypothesis-seed=0")
_REPORT = ("-vv", "--durations=0", "--durations-min=0", "--cov", "--cov-report=")
# A child process notes the test that started it. The variable that tells children to measure is set
# when pytest has begun, which would otherwise be measured twice.
_COVERAGE = """\
[run]
parallel = true
data_file = {folder}/.coverage
source = {folder}/src/graphdaemon
context = ${{PYTEST_CURRENT_TEST-}}
"""
_MEASURE = """\
import os, sys, pytest
os.environ["COVERAGE_PROCESS_START"] = os.path.abspath("coverage.ini")
sys.exit(pytest.main(sys.argv[1:]))
"""
_CONTEXT = re.compile(r"(.+)(?:\|\w+| \(\w+\))")
# An operator is replaced by one of the same row.
_RELATIVES = (
    {"Add", "Sub"},
    {"Mul", "Div", "FloorDiv", "Mod"},
    {"BitAnd", "BitOr", "BitXor"},
    {"LShift", "RShift"},
    {"Lt", "LtE", "Gt", "GtE", "Eq", "NotEq"},
    {"Is", "IsNot"},
    {"In", "NotIn"},
    {"UAdd", "USub"},
    {"Delete", "Not"},
    {"Delete", "Invert"},
)
_DURATION = re.compile(r"^(\d+\.\d+)s (?:setup|call|teardown) +(\S.*)$", re.MULTILINE)


class Tests(NamedTuple):
    """How long each test takes, in seconds, and by file and line the tests that run it."""

    seconds: Mapping[str, float]
    by_line: Mapping[Path, Mapping[int, Sequence[str]]]


class Mutant(NamedTuple):
    """One small change."""

    path: Path
    operator: str
    occurrence: int
    start: tuple[int, int]
    end: tuple[int, int]


class Survivor(NamedTuple):
    """
    A mutant that no test noticed.

    Attributes:
        mutant: The mutant.
        change: What it changes, as a diff.
        left_out: How many tests were left out for being slow.
    """

    mutant: Mutant
    change: str
    left_out: int


def main() -> None:
    """Make the mutants of each package named, or of all, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", default=tuple(SCENARIOS), metavar="package")
    packages = parser.parse_args().packages
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        # Child processes of tests import the copy too.
        os.environ["PYTHONPATH"] = str(copy / "src")
        # So few cases of each property of listings that none takes longer than `PATIENCE_S`.
        os.environ["LISTING_CASES"] = "20"
        ignored = shutil.ignore_patterns(".*", "__pycache__", "node_modules")
        shutil.copytree(ROOT, copy, ignore=ignored)
        with chdir(copy):
            tests = measure_tests(test for name in packages for test in _list_tests(name))
            for name in packages:
                mutants = draw_mutants(sorted((copy / "src/graphdaemon" / name).rglob("*.py")))
                survivors = [*list_survivors(mutants, tests, _list_tests(name))]
                print_result(name, len(mutants), survivors, copy)


def _list_tests(package: str) -> tuple[str, ...]:
    scenarios = (f"tests/scenarios/{name}.py" for name in SCENARIOS[package])
    return (f"tests/graphdaemon/{package}/", *scenarios)


def measure_tests(places: Iterable[str]) -> Tests:
    """Run the tests, which must pass, to learn how long each takes and which lines it runs."""
    Path("coverage.ini").write_text(_COVERAGE.format(folder=Path.cwd()), "utf-8")
    coverage = ("--cov-config=coverage.ini", "--cov-context=test")
    command = [sys.executable, "-c", _MEASURE, *_OPTIONS, *_REPORT, *coverage, *sorted({*places})]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode:
        sys.exit(f"The tests fail without any mutant:\n{run.stdout}")
    seconds: dict[str, float] = defaultdict(float)
    for time, test in _DURATION.findall(run.stdout):
        seconds[test] += float(time)
    data = CoverageData()
    data.read()
    return Tests(
        seconds,
        {
            Path(file): {
                line: [match[1] for match in map(_CONTEXT.fullmatch, contexts) if match]
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        },
    )


def draw_mutants(paths: Sequence[Path]) -> list[Mutant]:
    """Draw places among all that can be changed, and of each place one of its mutants."""
    places: dict[object, list[Mutant]] = defaultdict(list)
    for path in paths:
        for mutant in _list_mutants(path):
            places[path, mutant.start, mutant.end].append(mutant)
    draw = random.Random(SEED)  # noqa: S311 - nothing secret
    drawn = draw.sample(list(places.values()), min(COUNT, len(places)))
    return sorted(draw.choice(mutants) for mutants in drawn)


def _list_mutants(path: Path) -> Iterator[Mutant]:
    nodes = list(ast_nodes(get_ast_from_path(path)))
    idle = [_span(node) for node in _find_idle(ast.parse(path.read_text("utf-8")))]
    for name in filter(_is_apt, operator_names()):
        operator = get_operator(name)()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(places):
            if not any(first <= start < last for first, last in idle):
                yield Mutant(path, name, occurrence, start, end)


def _is_apt(operator: str) -> bool:
    if get_operator(operator).arguments():
        return False
    _, *replacement = operator.split("_")
    return not replacement or any(relatives.issuperset(replacement) for relatives in _RELATIVES)


def _find_idle(module: ast.Module) -> Iterator[ast.AST]:
    """Find what cannot matter to a test."""
    for node in ast.walk(module):
        match node:
            case ast.Assert() | ast.Call(func=ast.Attribute(value=ast.Name(id="logger"))):
                yield node
            case ast.Constant(value=float() as quantity) if quantity > 10:
                yield node
            case ast.If(
                test=ast.Name(id="TYPE_CHECKING")
                | ast.Compare(comparators=[ast.Constant(value="win32" | "darwin")])
            ):
                yield node.test
                yield from node.body
            case ast.arg(annotation=ast.expr() as note) | ast.AnnAssign(annotation=note):
                yield note
            case ast.FunctionDef(returns=ast.expr() as note):
                yield note
            case ast.AsyncFunctionDef(returns=ast.expr() as note):
                yield note


def _span(node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    assert isinstance(node, ast.expr | ast.stmt)
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def list_survivors(
    mutants: Sequence[Mutant], tests: Tests, places: tuple[str, ...]
) -> Iterator[Survivor]:
    """Run the tests of each mutant; one that never ends is noticed too."""
    for mutant in mutants:
        names = [name for name in _find_tests(mutant, tests) if name.startswith(places)]
        names.sort(key=lambda name: tests.seconds[name])
        total = 0.0
        chosen = [name for name in names if (total := total + tests.seconds[name]) <= PATIENCE_S]
        spec = MutationSpec(
            module_path=mutant.path,
            operator_name=mutant.operator,
            occurrence=mutant.occurrence,
            start_pos=mutant.start,
            end_pos=mutant.end,
        )
        Path("tests.txt").write_text("\n".join(chosen), "utf-8")
        command = shlex.join([sys.executable, "-m", "pytest", *_OPTIONS, "-q", "@tests.txt"])
        timeout = 10 + 2 * min(total, PATIENCE_S)
        result = mutate_and_test([spec], command if chosen else "true", timeout)
        print("." if result.is_killed else "S", end="", file=sys.stderr, flush=True)
        if not result.is_killed:
            yield Survivor(mutant, result.diff, len(names) - len(chosen))


def _find_tests(mutant: Mutant, tests: Tests) -> set[str]:
    """Find the tests that run the mutant's statement, or its file if it runs on import."""
    by_line = tests.by_line.get(mutant.path, {})
    module = ast.parse(mutant.path.read_text("utf-8"))
    inside = any(
        node.body[0].lineno <= mutant.start[0] <= (node.body[-1].end_lineno or 0)
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    if not inside:
        return {test for names in by_line.values() for test in names}
    lines = _find_statement(ast.parse(mutant.path.read_text("utf-8")), mutant.start[0])
    own = {test for line in lines for test in by_line.get(line, ())}
    return own or {test for names in by_line.values() for test in names}


def _find_statement(module: ast.Module, line: int) -> range:
    """Find the lines of the innermost statement at a line; of a compound one, its head."""
    spans = [
        range(node.lineno, node.body[0].lineno if hasattr(node, "body") else node.end_lineno + 1)
        for node in ast.walk(module)
        if isinstance(node, ast.stmt) and node.end_lineno is not None
    ]
    return min((span for span in spans if line in span), key=len, default=range(line, line + 1))


def print_result(name: str, count: int, survivors: Sequence[Survivor], root: Path) -> None:
    """Print one package's numbers, and the change that each survivor makes."""
    caught = count - len(survivors)
    print(f"\n{name}: {count} mutants, {caught} caught, {len(survivors)} survived", end=", ")
    print(f"{caught / count:.0%} caught")
    for mutant, change, left_out in survivors:
        note = f" ({left_out} slow tests left out)" if left_out else ""
        print(f"{mutant.path.relative_to(root)}:{mutant.start[0]}{note}")
        for line in change.splitlines():
            if line[:1] in {"-", "+"} and line[:3] not in {"---", "+++"}:
                print(f"    {line}")


if __name__ == "__main__":
    main()
