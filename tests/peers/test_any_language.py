"""The example of tests in any language: everything of it that runs without a container engine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from entra_emulator.server.emulator import Emulator
from tests.support.places import ROOT
from tests.support.run_command import clean_environment

EXAMPLE = ROOT / "examples" / "8-Test-Any-Language"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def copy_example(folder: Path) -> Path:
    for path in EXAMPLE.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return folder


def test_the_programs_tests_pass_against_a_server(tmp_path: Path) -> None:
    """As against the container, which serves the same file."""
    copy_example(tmp_path)
    with Emulator(tenant_file=tmp_path / "tenant.toml") as emulator:
        done = subprocess.run(
            ["node", "--test"],
            cwd=tmp_path,
            env=clean_environment()
            | {"PRETEND_TENANT": emulator.url, "PRETEND_TENANT_CA": str(emulator.ca_file)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    assert done.returncode == 0, done.stdout
    assert "# pass 2" in done.stdout


def test_the_actions_steps_run(tmp_path: Path) -> None:
    """Each `run` of the workflow but the installation, by the shell that runs them there."""
    copy_example(tmp_path)
    text = (EXAMPLE / "github-action.yml").read_text(encoding="utf-8")
    # The runner's port is free; here another program may have it.
    with Emulator(users=0) as emulator:
        port = emulator.url.rpartition(":")[2]
    workflow = yaml.safe_load(text.replace("8443", port))
    steps = [step for step in workflow["jobs"]["test"]["steps"] if "run" in step]
    script = "\n".join(step["run"] for step in steps[1:])
    environment = steps[-1]["env"]

    assert steps[0]["run"] == "pip install 'graphdaemon[emulator]'"
    done = subprocess.run(
        ["bash", "-e", "-c", f"trap 'kill $(jobs -p)' EXIT\n{script}"],
        cwd=tmp_path,
        env=clean_environment()
        | environment
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 2" in done.stdout


def test_the_container_runs_a_command_that_there_is() -> None:
    """Its entry point is taken by the command line: every option, and the file it copies."""
    text = (EXAMPLE / "Containerfile").read_text(encoding="utf-8").replace("\\\n", "")
    (entry,) = re.findall(r"^ENTRYPOINT \[(.*)\]$", text, re.MULTILINE)
    words = re.findall(r'"([^"]*)"', entry)
    helped = subprocess.run(
        [Path(sys.executable).parent / words[0], *words[1:3], "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout

    assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[\w-]+", helped))
    assert f"COPY tenant.toml {words[words.index('--tenant') + 1]}\n" in text
