"""
Write the reference pages that are made from the code: command line, settings, errors, library.

With ``--check`` nothing is written; the pages that would change are named and the exit code is 1.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

import click

from entra_emulator import pytest_plugin
from entra_emulator.audit import Audit
from entra_emulator.clock import Clock
from entra_emulator.content.tenant_file.keys import OPEN, TABLES
from entra_emulator.control.control import PREFIX
from entra_emulator.control.controls import CONTROLS
from entra_emulator.faults.schedule import Faults
from entra_emulator.graph.access.permission_table import FREE, find_access
from entra_emulator.graph.router import Endpoint
from entra_emulator.graph.routes import ROUTES as GRAPH_ROUTES
from entra_emulator.portal.routes import list_routes
from entra_emulator.server.app import ROUTES
from entra_emulator.server.emulator import Emulator
from entra_emulator.server.emulator_application import EmulatorApplication, EmulatorCertificate
from entra_emulator.server.settings import EmulatorSettings
from entra_emulator.traffic.report.finding import Finding
from entra_emulator.traffic.report.report import ApplicationUse, ErrorUse, Report, RouteUse
from graphdaemon import protect
from graphdaemon.cli import cli
from graphdaemon.diagnosis.cases.protected_api import PROTECTED_API
from graphdaemon.errors import CODES, EXIT_CODES
from graphdaemon.http.limits import Limits
from graphdaemon.protect.refusal import refuse
from graphdaemon.settings.table import SETTINGS
from tools import (
    architecture,
    completeness,
    diagnoses,
    fidelity,
    library_page,
    log_events,
    man_pages,
    metrics_table,
    report_tables,
    shown_files,
    store_tables,
)

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
EXAMPLE = Path(__file__).parent.parent / "examples" / "tenant.toml"
_MADE = "<!-- Made from the code by `make docs`; change the code, not this page. -->\n"
_SETTINGS_PROSE = """\
The file is `parameters.json` as Microsoft's Python daemon sample has it, or TOML with the same
keys. It is looked for in this order: the command's argument, `$GRAPHDAEMON_CONFIG`,
`./parameters.json`. The environment beats the file, and the project's own variables beat the
`AZURE_*` ones. A credential in a stronger place replaces all that a weaker one says about
credentials. A warning names what the environment replaces in the file, and a variable whose name
is misspelt. Paths start at the settings file's folder. A secret is never a flag.
"""
_ERRORS_PROSE = """\
A command that fails prints `Error:` and what happened, then `Try:` and the next step, and exits
with a code:
"""
_EMULATOR_PROSE = """\
The pretend tenant: a token service and a Graph in one process, behind TLS with a certificate
authority of its own. `graphdaemon emulator serve` runs it; in Python,
`entra_emulator.Emulator` is a context manager with `url`, `ca_file`, `tenant`, `directory`
and `clock`. It answers with the statuses, bodies and headers recorded from the real services, and
refuses what it does not know. Graph's paths are on a page of their own: graph.md.
"""
_FIXTURES_PROSE = """\
What pytest has once `graphdaemon[emulator]` is installed ([how to use
it](../how-to/test-your-program.md)).
Both fixtures are an `Emulator`, started for one test and without users; from Python,
`entra_emulator.Emulator` is the same as a context manager.
"""
_GRAPH_PROSE = """\
What the pretend tenant's Graph answers, below `/v1.0` and `/beta`, and the application permissions
that each path accepts, the least privileged first (Microsoft's own table, without Intune's). Lists
take `$select`, `$filter`, `$orderby`, `$search`, `$top`, `$count` and `$expand` as the service
does, with its refusals; every list has a `/$count`, and what is linked can be cast, as in
`/groups/{id}/members/microsoft.graph.user`. What else Graph has by Microsoft's list is
answered 501 "This emulator does not serve …"; only what Graph does not have either is a 400, as for
a typing error (fidelity.md has the numbers).
"""
_TENANT_FILE_PROSE = """\
What `graphdaemon emulator serve --tenant FILE` and `Emulator(tenant_file=FILE)` make a tenant of: a
file in TOML. The same file makes the same IDs every time. What the tables of users and groups do
not list here are Graph's own properties, such as `department` and `createdDateTime`; a key that is
neither is refused, as is a name that means nothing, and nothing is made then.

A data folder keeps the tenant that was made in it. When the file has changed since, the folder is
refused: remove it, or name another.

The file says what is there. What is to go wrong stands in [a fault file](emulator.md#control-api)
of its own (`--faults`), so that one tenant serves for many faults.
"""
_PORTAL_PROSE = """\
## Portal

Pages for people, with the names and the order of the Microsoft Entra admin center's; `{tenant}` is
the tenant's ID, `{app}` an application (client) ID. What a page changes it changes through Graph,
as the person who is signed in:
"""
_REPORT_PROSE = """\
## Report

What `emulator serve --report-to report.json` writes, `GET /_emulator/report` answers and
`Emulator.report` returns
([how to read it](../how-to/lint-a-graph-client.md)).
"""

_PROTECTED_PROSE = """\
`graphdaemon.protect` (`pip install 'graphdaemon[api]'`) validates the access tokens that an API of
your own is called with ([how](../how-to/protect-your-api.md)). No web framework is needed to import
it.
"""
_ANSWERS_PROSE = """\
## Answers

What a refused caller is told: the status, `error` and `error_description` of the header
`WWW-Authenticate` (RFC 6750) and of the body, whose `code` is the case. The body's `hint` is the
next step. Words in italics stand for values.
"""
_CONTROL_PROSE = """\
## Control API

With `Emulator(control=True)` or `emulator serve --control`, for programs on this machine only;
`/_emulator/openapi.json` describes it by OpenAPI 3.1:
"""


def pages() -> dict[str, str]:
    """The text of every page that is made from the code, by its path from the reference."""
    return {
        "cli.md": _command_line(),
        "settings.md": _settings(),
        "errors.md": _errors(),
        "library.md": library_page.write_library(_MADE, _prose),
        "protected-api.md": _protected_api(),
        "emulator.md": _emulator(),
        "fixtures.md": _fixtures(),
        "graph.md": _graph(),
        "tenant-file.md": _tenant_file(),
        "diagnoses.md": f"{_MADE}\n{diagnoses.render()}",
        "store.md": f"{_MADE}\n{store_tables.render()}",
        "log-events.md": f"{_MADE}\n{log_events.render()}",
        "reports.md": f"{_MADE}\n{report_tables.render()}",
        "metrics.md": f"{_MADE}\n{metrics_table.render()}",
        "fidelity.md": f"{_MADE}\n{fidelity.render()}",
        "../explanation/architecture.md": architecture.render_page(),
        "../explanation/complete.md": completeness.render_page(),
        **shown_files.render_pages(),
        **{f"../man/{name}": text for name, text in man_pages.render().items()},
    }


def stale() -> list[str]:
    """The names of the pages whose file is not what the code says, or that no command has."""
    made = pages()
    changed = [
        name
        for name, text in made.items()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text(encoding="utf-8") != text
    ]
    return changed + list_strays(made)


def list_strays(made: Iterable[str]) -> list[str]:
    """Man pages of commands that are no more."""
    there = {f"../man/{path.name}" for path in (REFERENCE / "../man").iterdir()}
    return sorted(there - set(made))


def _command_line() -> str:
    parts = [_MADE, "# Command line\n"]
    for path, command in man_pages.list_commands(cli, "graphdaemon"):
        # A fixed width: the page must not depend on whose terminal made it.
        context = click.Context(
            command,
            info_name=" ".join(path),
            terminal_width=80,
            max_content_width=80,
            **cli.context_settings,
        )
        parts.append(f"## `{' '.join(path)}`\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def _settings() -> str:
    rows = [
        f"| `{row.name}` | {row.form} | {row.default or 'none'} | {row.meaning} "
        f"| {', '.join(f'`{name}`' for name in row.variables) or 'none'} |"
        for row in SETTINGS
    ]
    return "\n".join(
        [
            _MADE,
            "# Settings\n",
            _SETTINGS_PROSE,
            "| key | kind | default | meaning | variables |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _errors() -> str:
    exits = [f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()]
    codes = [f"| `{code}` | {meaning} |" for code, meaning in CODES.items()]
    tree = inspect.getdoc(sys.modules["graphdaemon.errors"]) or ""
    # The attributes come from the class itself, so that a new limit is on the page by itself.
    meanings = _attributes(Limits)
    limits = [
        f"| `{name}` | {_limit(default)} | {meanings[name]} |"
        for name, default in Limits()._asdict().items()
    ]
    return "\n".join(
        [
            _MADE,
            "# Errors\n",
            _ERRORS_PROSE,
            "| exit code | meaning |",
            "| --- | --- |",
            *exits,
            "",
            "The library raises:\n",
            f"```text\n{tree}\n```\n",
            "| code | meaning |",
            "| --- | --- |",
            *codes,
            "",
            "What one answer of a server may cost; `limit_exceeded` names the limit:\n",
            "| limit | default | meaning |",
            "| --- | --- | --- |",
            *limits,
            "",
        ]
    )


def _attributes(kind: type) -> dict[str, str]:
    """The attributes that a class explains, by name."""
    section = (inspect.getdoc(kind) or "").partition("\nAttributes:\n")[2]
    rows = re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", section, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in rows}


def _limit(value: object) -> str:
    if value is None:
        return "not set"
    return f"{value >> 20} MB" if isinstance(value, int) and value >= 1 << 20 else f"{value:,}"


def _protected_api() -> str:
    parts = [_MADE, "# Protected API\n", _PROTECTED_PROSE]
    for name, thing in vars(protect).items():
        # Of a value made of fields, the fields say more than the signature.
        if name.startswith("_") or not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        is_made = thing is protect.ProtectedApi or inspect.isfunction(thing)
        signature = _bare_signature(name, thing) if is_made else ""
        parts.append(f"## `{name}`\n\n{signature}{_prose(thing)}\n")
        if thing is protect.ProtectedApi:
            parts += [
                f"### `{name}.{method}`\n\n{_bare_signature(method, function)}{_prose(function)}\n"
                for method, function in vars(thing).items()
                if not method.startswith("_") and inspect.isfunction(function)
            ]
    parts += [_ANSWERS_PROSE, "| status | error | code | description | hint |"]
    parts.append("| --- | --- | --- | --- | --- |")
    parts += map(_answer, PROTECTED_API)
    return "\n".join([*parts, ""])


def _bare_signature(name: str, thing: Callable[..., object]) -> str:
    """Names and defaults, without types: those of ASGI and WSGI are longer than their meaning."""
    signature = inspect.signature(thing)
    parameters = [
        one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values()
    ]
    bare = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    # As the formatter, which reads these pages, wants texts quoted.
    text = re.sub(r"<built-in function (\w+)>", r"\1", str(bare)).replace("'", '"')
    return f"```python\n{name}{text}\n```\n\n"


def _answer(case: str) -> str:
    refusal = refuse(case)
    row = PROTECTED_API[case]
    words = [
        re.sub(r"\{\{|\}\}", "", re.sub(r"(?<!\{)\{(\w+)\}", r"*\1*", text)) for text in row[1:]
    ]
    return f"| {refusal.status} | {refusal.error or ''} | `{case}` | {' | '.join(words)} |"


def _emulator() -> str:
    served = [(route.method, route.path, route.answer) for route in ROUTES]
    controls = [(row.method, PREFIX + row.path, row.answer) for row in CONTROLS]
    return "\n".join(
        [
            _MADE,
            "# Emulator\n",
            _EMULATOR_PROSE,
            f"## Settings\n\n{_prose(EmulatorSettings)}\n",
            "## Token service and Azure Resource Manager\n",
            *_routes(served),
            _PORTAL_PROSE,
            *_routes((page.method, page.path, page.answer) for page in list_routes()),
            _CONTROL_PROSE,
            *_routes(controls),
            _REPORT_PROSE,
            *(f"### {kind.__name__}\n\n{_prose(kind)}\n" for kind in _REPORT),
        ]
    )


def _fixtures() -> str:
    parts = [_MADE, "# Fixtures\n", _FIXTURES_PROSE]
    parts += [
        f"## `{fixture.name}`\n\n{inspect.getdoc(fixture)}\n"
        for fixture in (pytest_plugin.entra, pytest_plugin.entra_server)
    ]
    marker, _, meaning = pytest_plugin.MARKER.partition(": ")
    parts.append(f"## `@pytest.mark.{marker}`\n\n{meaning[0].upper()}{meaning[1:]}.\n")
    parts.append("## `Emulator`\n")
    parts.append(f"{_prose(Emulator)}\n")
    for name, thing in vars(Emulator).items():
        if name.startswith("_"):
            continue
        if inspect.isfunction(thing):
            parts.append(f"### `{name}`\n\n{_bare_signature(name, thing)}{_prose(thing)}\n")
        elif isinstance(thing, property | cached_property):
            parts.append(f"### `{name}`\n\n{_prose(thing)}\n")
    for value in (EmulatorApplication, EmulatorCertificate):
        parts.append(f"## `{value.__name__}`\n\n{_prose(value)}\n")
    attributes: dict[str, type] = {"clock": Clock, "faults": Faults, "audit": Audit}
    for attribute, kind in attributes.items():
        parts.append(f"## `Emulator.{attribute}`\n\n{_prose(kind)}\n")
        parts += [
            f"### `{attribute}.{name}`\n\n{_bare_signature(name, thing)}{_prose(thing)}\n"
            for name, thing in vars(kind).items()
            if not name.startswith("_") and inspect.isfunction(thing)
        ]
    return "\n".join(parts)


_REPORT = (Report, RouteUse, ErrorUse, ApplicationUse, Finding)


def _tenant_file() -> str:
    parts = [_MADE, "# Tenant file\n", _TENANT_FILE_PROSE]
    parts.append(f"```toml\n{EXAMPLE.read_text(encoding='utf-8')}```\n")
    for table, keys in TABLES.items():
        several = table not in {"", "seed"}
        title = (f"`[[{table}]]`" if several else f"`[{table}]`") if table else "Before any table"
        rows = [
            f"| `{key.name}` | {key.form}{', required' if key.required else ''} | {key.meaning} |"
            for key in keys
        ]
        kind = OPEN.get(table)
        more = f"\nBesides, any property of Graph's `{kind}` resource.\n" if kind else ""
        parts.append(f"## {title}\n\n| key | form | meaning |\n| --- | --- | --- |")
        parts.append("\n".join(rows) + f"\n{more}")
    return "\n".join(parts)


def _graph() -> str:
    paths: dict[str, list[Endpoint]] = {}
    for route in GRAPH_ROUTES:
        if not re.search(r"/\$count$|/microsoft\.graph\.\w+", route.path):
            paths.setdefault(route.path, []).append(route)
    rows = [
        f"| {route.method} | `{route.path}` | {_permissions(route)} |"
        for routes in paths.values()
        for route in routes
    ]
    return "\n".join(
        [
            _MADE,
            "# Graph's routes\n",
            _GRAPH_PROSE,
            "| verb | path | application permissions |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _permissions(route: Endpoint) -> str:
    if route.public or route.path in FREE:
        return "none of its own"
    access = find_access(route.method, route.path)
    known = {name for name in access.application if not name.startswith("DeviceManagement")}
    others = sorted(known - access.least)
    return ", ".join((*sorted(access.least & known), *others)) or "a user's only"


def _routes(rows: Iterable[tuple[str, str, Callable[..., object]]]) -> list[str]:
    lines = [f"| {method} | `{path}` | {_purpose(answer)} |" for method, path, answer in rows]
    return ["| verb | path | |", "| --- | --- | --- |", *lines, ""]


def _purpose(answer: Callable[..., object]) -> str:
    """The first line of a handler's docstring, without the verb and path it begins with."""
    line = (inspect.getdoc(answer) or "").splitlines()[0]
    bare = re.sub(r"^`[^`]*`( and `[^`]*`)?[:,;]? *", "", line)
    return bare[:1].upper() + bare[1:]


def _prose(thing: object) -> str:
    """A docstring as Markdown: sections become lists, the example a code block."""
    text = (inspect.getdoc(thing) or "").replace("``", "`")
    body, *sections = re.split(r"\n(Args|Attributes|Raises|Returns|Example):\n", text)
    parts = [body.rstrip()]
    for title, content in zip(sections[::2], sections[1::2], strict=True):
        lines = textwrap.dedent(content).strip("\n")
        if title == "Example":
            code = textwrap.dedent(lines.replace(".. code-block:: python\n", "")).strip()
            parts.append(f"```python\n{code}\n```")
        else:
            items = re.sub(r"^(?=\S)", "- ", lines, flags=re.MULTILINE)
            parts.append(f"{title}:\n\n{items}")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write or check the pages."""
    if "--check" in sys.argv:
        changed = stale()
        print("\n".join(f"docs/reference/{name} is stale: run make docs" for name in changed))
        sys.exit(bool(changed))
    made = pages()
    for name, text in made.items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    for name in list_strays(made):
        (REFERENCE / name).unlink()


if __name__ == "__main__":
    main()
