"""What runs every night: when, with which rights, and what is heard of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tree_sitter
import tree_sitter_powershell
import yaml
from cronsim import CronSim

from graphdaemon.settings.model import Settings
from graphdaemon.settings.read import read_settings
from tests.support.deployed_commands import (
    DEPLOY,
    list_commands,
    list_containers,
    read_crontab,
    read_documents,
    read_unit,
)
from tests.support.places import ROOT
from tests.support.run_command import WriteParameters, clean_environment

UNIT = DEPLOY / "systemd/graphdaemon-nightly.service"
JOB = DEPLOY / "kubernetes/nightly.yaml"
AZURE_JOB = DEPLOY / "azure/container-apps/nightly-job.yaml"
TASK = DEPLOY / "windows/Register-GraphdaemonNightly.ps1"
WORKFLOWS = [DEPLOY / "github/nightly.yml", ROOT / ".github/workflows/release.yml"]
# What fails the same when it is tried again: usage, settings, what the identity platform refuses.
FINAL = [2, 3, 4]

BIN = Path(sys.executable).parent


def find_job() -> dict[str, Any]:
    (job,) = [one for one in read_documents(JOB) if one["kind"] == "CronJob"]
    found: dict[str, Any] = job["spec"]
    return found


def list_schedules() -> dict[str, str]:
    azure: dict[str, Any] = yaml.safe_load(AZURE_JOB.read_text("utf-8"))
    settings = json.loads((DEPLOY / "azure/functions/local.settings.json").read_text())["Values"]
    # `on` is a truth value in YAML 1.1, which GitHub does not read.
    (github,) = yaml.safe_load(WORKFLOWS[0].read_text("utf-8"))[True]["schedule"]
    return {
        "cron": read_crontab()[0],
        "kubernetes": find_job()["schedule"],
        "container apps": azure["properties"]["configuration"]["scheduleTriggerConfig"][
            "cronExpression"
        ],
        "functions": settings["GRAPHDAEMON_SCHEDULE"].removeprefix("0 "),
        "github": github["cron"],
    }


@pytest.mark.parametrize(("place", "schedule"), list_schedules().items())
def test_each_runs_once_in_a_night(place: str, schedule: str) -> None:
    """As a reader of schedules reads them: the next two are at half past two, a day apart."""
    moments = CronSim(schedule, datetime(2026, 11, 30, 12, tzinfo=UTC))

    assert [next(moments), next(moments)] == [
        datetime(2026, 12, 1, 2, 30, tzinfo=UTC),
        datetime(2026, 12, 2, 2, 30, tzinfo=UTC),
    ], place


def run_nightly(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """The command as cron runs it, in the place of the folder and the program that it names."""
    home = "/var/lib/graphdaemon-nightly"
    here = command.replace("/usr/bin/graphdaemon", str(BIN / "graphdaemon")).replace(
        home, str(folder)
    )
    return subprocess.run(
        ["/bin/sh", "-c", here],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=clean_environment(),
        timeout=120,
    )


def test_a_good_night_says_nothing_and_leaves_the_whole(parameters: WriteParameters) -> None:
    """cron mails what is printed: so nothing is."""
    folder = parameters().parent

    done = run_nightly(folder, read_crontab()[1])

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (folder / "users.csv").read_text().count("\n") == 251
    proof = json.loads((folder / "users.proof.json").read_text())
    assert proof["verdict"] == "complete"


def test_a_bad_night_is_told_and_takes_nothing_away(parameters: WriteParameters) -> None:
    """A secret that is wrong: a mail with the next step, and yesterday's list."""
    folder = parameters(secret="wrong").parent
    (folder / "users.csv").write_text("yesterday's")

    done = run_nightly(folder, read_crontab()[1])

    assert done.returncode in FINAL
    assert "Error: " in done.stderr
    assert "Try: " in done.stderr
    assert (folder / "users.csv").read_text() == "yesterday's"


def test_what_fails_for_good_is_not_tried_again() -> None:
    """systemd and Kubernetes both know the exit codes that a person has to look at."""
    (rule,) = find_job()["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    (container,) = list_containers(find_job()["jobTemplate"])

    assert dict(read_unit(UNIT))["RestartPreventExitStatus"] == " ".join(map(str, FINAL))
    assert rule["onExitCodes"] == {
        "containerName": container["name"],
        "operator": "In",
        "values": FINAL,
    }


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_nightly_units_without_a_word(tmp_path: Path) -> None:
    """The service, its timer and the mail about it, with programs that are here."""
    for path in UNIT.parent.glob("graphdaemon-*"):
        text = path.read_text("utf-8").replace("/usr/bin/graphdaemon", str(BIN / "graphdaemon"))
        (tmp_path / path.name).write_text(text)
    units = (
        "graphdaemon-nightly.service",
        "graphdaemon-nightly.timer",
        "graphdaemon-alert@x.service",
    )

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(tmp_path / unit for unit in units)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_nightly_service_is_shut_in_as_the_daemon_is() -> None:
    """Every line that takes rights away from the daemon takes them away here."""
    daemon = read_unit(DEPLOY / "systemd/graphdaemon.service")
    start = daemon.index(("CapabilityBoundingSet", ""))
    end = daemon.index(("TasksMax", "256")) + 1

    assert set(daemon[start:end]) <= set(read_unit(UNIT))
    assert ("DynamicUser", "yes") in read_unit(UNIT)


@pytest.mark.skipif(shutil.which("crontab") is None, reason="cron is not installed")
def test_cron_takes_the_table() -> None:
    """cron's own program reads it, and changes nothing."""
    done = subprocess.run(
        ["crontab", "-n", DEPLOY / "cron/crontab"], capture_output=True, text=True, check=False
    )
    if "usage" in done.stderr:
        pytest.skip("this system's crontab cannot only check")

    assert done.returncode == 0, done.stderr


def test_the_shell_takes_the_script() -> None:
    """Every line of it can be read."""
    subprocess.run(["sh", "-n", DEPLOY / "container/nightly.sh"], check=True)

    assert os.access(DEPLOY / "container/nightly.sh", os.X_OK)


def parse_powershell(text: str) -> tree_sitter.Tree:
    language = tree_sitter.Language(tree_sitter_powershell.language())
    return tree_sitter.Parser(language).parse(text.encode())


def test_powershell_can_read_the_task() -> None:
    """By PowerShell's grammar; what is not of the language would be noticed."""
    text = TASK.read_text("utf-8")

    assert not parse_powershell(text).root_node.has_error
    assert parse_powershell(text.replace("param(", "param((", 1)).root_node.has_error


def test_the_task_uses_only_what_windows_has() -> None:
    """Each command is one of Windows PowerShell 5.1 or of the system."""
    known = set(
        "Set-StrictMode New-Item Out-Null icacls.exe New-TimeSpan New-ScheduledTaskAction "
        "New-ScheduledTaskTrigger New-ScheduledTaskPrincipal New-ScheduledTaskSettingsSet "
        "Register-ScheduledTask".split()
    )
    pending = [parse_powershell(TASK.read_text("utf-8")).root_node]
    used = set()
    while pending:
        node = pending.pop()
        pending += node.children
        if node.type == "command_name" and node.text is not None:
            used.add(node.text.decode())

    assert used == known


@pytest.mark.parametrize("path", WORKFLOWS, ids=[path.stem for path in WORKFLOWS])
def test_github_knows_every_key(path: Path) -> None:
    """By the schema of workflows."""
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_nothing_in_the_workflows_is_unsafe() -> None:
    """By zizmor, which knows what makes one so: rights, versions that move, texts that are run."""
    done = subprocess.run(
        [BIN / "zizmor", "--offline", "--no-progress", "--persona=pedantic", *WORKFLOWS],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_no_file_for_the_night_holds_a_secret() -> None:
    """On Kubernetes, in Azure and at GitHub the platform proves who it is."""
    for path in (JOB, AZURE_JOB, WORKFLOWS[0]):
        assert re.findall(r"(?i)secret_?ref|password|client_secret", path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        (
            {
                "GRAPHDAEMON_FEDERATED": "kubernetes",
                "AZURE_TENANT_ID": "11111111-0000-0000-0000-000000000002",
                "AZURE_CLIENT_ID": "11111111-0000-0000-0000-000000000001",
                "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/tokens/token",
            },
            "federated",
        ),
        (
            {
                "GRAPHDAEMON_FEDERATED": "github",
                "AZURE_TENANT_ID": "11111111-0000-0000-0000-000000000002",
                "AZURE_CLIENT_ID": "11111111-0000-0000-0000-000000000001",
                "ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.example/token",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x",
            },
            "federated",
        ),
        (
            {"GRAPHDAEMON_MANAGED_IDENTITY": "11111111-0000-0000-0000-000000000001"},
            "managed_identity",
        ),
    ],
    ids=["kubernetes", "github", "container apps"],
)
def test_the_environment_alone_is_enough(
    environment: dict[str, str], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No settings file is mounted there."""
    monkeypatch.chdir(tmp_path)

    settings = read_settings(None, environment)

    assert isinstance(settings, Settings)
    assert [one.kind for one in settings.credentials] == [kind]


def test_every_nightly_command_is_the_same_job() -> None:
    """They differ in where the files are, and in nothing else."""
    nightly = [words for _, words in list_commands() if words[0] == "list"]
    shapes = {
        tuple(re.sub(r"\S*/", "", word) for word in words if ".json" not in word or "proof" in word)
        for words in nightly
    }

    assert len(nightly) == 7
    assert len(shapes) == 1
