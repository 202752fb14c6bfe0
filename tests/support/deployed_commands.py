"""Every command line that stands in a file of deploy/, as the program will read it."""

from __future__ import annotations

import ast
import re
import shlex
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.support.places import ROOT

DEPLOY = ROOT / "deploy"


def read_documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text("utf-8")) if one is not None]


def read_unit(path: Path) -> list[tuple[str, str]]:
    """The keys of a unit with their values; sections and comments left out."""
    lines = path.read_text("utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and line[0] not in "#[")
    return [(key, value) for key, _, value in pairs]


def list_containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The containers of a manifest, wherever they stand in it."""
    found = []
    for key, value in document.items():
        if key == "containers":
            found += value
        elif isinstance(value, dict):
            found += list_containers(value)
    return found


def read_crontab() -> tuple[str, str]:
    """The schedule and the command of the one job in it."""
    lines = (DEPLOY / "cron/crontab").read_text("utf-8").splitlines()
    (job,) = [line for line in lines if re.match(r"[\d*]", line)]
    *fields, command = job.split(maxsplit=5)
    return " ".join(fields), command


def list_commands() -> Iterator[tuple[str, list[str]]]:
    """Every command line in the files, by the file's name, without the program's."""
    for path in sorted(DEPLOY.glob("systemd/*")):
        for key, value in read_unit(path):
            if key == "ExecStart" and value.startswith("/usr/bin/graphdaemon "):
                yield path.name, shlex.split(value)[1:]
    for path in sorted(DEPLOY.rglob("*.yaml")):
        for document in read_documents(path):
            for container in list_containers(document):
                yield path.name, container["args"]
    yield "crontab", shlex.split(read_crontab()[1])[1:]
    yield from _list_commands_of_scripts()


def _list_commands_of_scripts() -> Iterator[tuple[str, list[str]]]:
    service = DEPLOY / "windows/graphdaemon-service.xml"
    arguments = ET.parse(service).getroot().findtext("arguments")
    assert arguments is not None
    yield service.name, shlex.split(arguments, posix=False)
    function = DEPLOY / "azure/functions/function_app.py"
    for node in ast.walk(ast.parse(function.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "cli.run":
            yield function.name, ast.literal_eval(node.args[0])
    script = DEPLOY / "container/nightly.sh"
    whole = shlex.split(script.read_text("utf-8").replace("\\\n", " "), comments=True)
    yield script.name, whole[whole.index("${IMAGE:-graphdaemon}") + 1 :]
    task = DEPLOY / "windows/Register-GraphdaemonNightly.ps1"
    (command,) = re.findall(r"^\$command = '(.+)'$", task.read_text("utf-8"), re.MULTILINE)
    yield task.name, command.split()
    workflow = DEPLOY / "github/nightly.yml"
    for job in read_documents(workflow)[0]["jobs"].values():
        for step in job["steps"]:
            if step.get("run", "").startswith("graphdaemon "):
                yield workflow.name, shlex.split(step["run"])[1:]
