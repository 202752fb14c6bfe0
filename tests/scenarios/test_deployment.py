"""The files that graphdaemon is run by: each names what exists, and says what is meant."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import kubernetes_validate
import pytest

from graphdaemon.cli import cli, run
from graphdaemon.settings.model import Settings
from graphdaemon.settings.tenants import read_folder
from tests.support.deployed_commands import (
    DEPLOY,
    list_commands,
    list_containers,
    read_documents,
    read_unit,
)
from tests.support.places import ROOT
from tests.support.run_command import WriteParameters

UNIT = DEPLOY / "systemd/graphdaemon.service"
DROP_IN = DEPLOY / "systemd/postgresql.conf"
CONTAINERFILE = DEPLOY / "container/Containerfile"
CONTAINER_APP = DEPLOY / "azure/container-apps/container-app.yaml"
FUNCTION = DEPLOY / "azure/functions/function_app.py"
SERVICE = DEPLOY / "windows/graphdaemon-service.xml"
MANIFESTS = sorted((DEPLOY / "kubernetes").iterdir())
DAEMON = DEPLOY / "kubernetes/daemon.yaml"

# The Kubernetes whose schemas are used, of those that the package knows.
KUBERNETES = "1.35"
# Of `systemd-analyze security`, from 0 (nothing can be reached) to 10.
EXPOSURE = 1.1


COMMANDS = list(list_commands())


@pytest.mark.parametrize(("file", "arguments"), COMMANDS, ids=[file for file, _ in COMMANDS])
def test_every_command_line_can_be_read(
    file: str, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the program itself reads it: each command, option and value is one that it knows."""
    monkeypatch.chdir(tmp_path)
    name, *rest = arguments
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, f"{file} names a command"

    # A command remembers how it is asked for help, and others will look at it.
    context = command.make_context(name, rest, **cli.context_settings)

    # What comes round by itself says nothing but trouble, or says it to a log; and a listing is
    # worth its proof.
    if name == "list":
        assert context.params["quiet"]
        assert context.params["output"] is not None
        assert context.params["proof"] is not None
    else:
        assert name in ("run", "sync")
        assert context.params["tenants"] is not None or file == FUNCTION.name


def test_every_file_has_a_command() -> None:
    """No file is left out above."""
    files = {
        path.name
        for path in DEPLOY.rglob("*")
        if path.suffix in {".service", ".yaml", ".yml", ".py", ".sh", ".ps1"}
    }

    assert files - {file for file, _ in COMMANDS} == {"graphdaemon-alert@.service"}
    assert len(COMMANDS) == 14


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is installed here in the place of its own."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    program = Path(sys.executable).with_name("graphdaemon")
    path = tmp_path / "graphdaemon.service"
    path.write_text(UNIT.read_text("utf-8").replace("/usr/bin/graphdaemon", str(program)))
    return path


def test_systemd_takes_the_unit_without_a_word(unit: Path) -> None:
    """An unknown key or value only warns: a word is a failure here."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_an_unknown_key_would_be_noticed(unit: Path) -> None:
    """The test above sees what systemd only warns of."""
    unit.write_text(unit.read_text().replace("ProtectClock=", "ProtectClocks="))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "ProtectClocks" in done.stderr


def test_the_service_can_reach_little(unit: Path) -> None:
    """What is left of the exposure is the network, which it is for."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--json=short", str(unit)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(done.stdout)

    weights = {row["name"]: float(row["exposure"] or 0) for row in rows if not row["set"]}
    # A tenth each: of a root folder of its own, of sockets, of the hardware clock's device.
    assert weights.keys() <= {
        "RootDirectory=/RootImage=",
        "RestrictAddressFamilies=~AF_UNIX",
        "RestrictAddressFamilies=~AF_(INET|INET6)",
        "PrivateNetwork=",
        "DeviceAllow=",
        "IPAddressDeny=",
    }
    whole = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", str(unit)],
        capture_output=True,
        text=True,
        check=True,
    )
    match = re.search(r"exposure level for \S+: ([\d.]+)", whole.stdout)
    assert match is not None
    assert float(match[1]) <= EXPOSURE


def test_the_watchdog_is_slower_than_the_loop() -> None:
    """The loop turns every 30 seconds, and the end takes five; systemd waits longer for both."""
    values = dict(read_unit(UNIT))

    assert values["Type"] == "notify"
    assert values["WatchdogSec"] == "2min"
    assert values["TimeoutStopSec"] == "15s"
    assert values["DynamicUser"] == "yes"
    assert values["LoadCredential"] == "tenant:/etc/graphdaemon/tenants"


@pytest.mark.parametrize("path", MANIFESTS, ids=[path.stem for path in MANIFESTS])
def test_kubernetes_knows_every_key(path: Path) -> None:
    """By the schemas of Kubernetes itself, strictly: what they do not name is refused."""
    for document in read_documents(path):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


@pytest.mark.parametrize("path", MANIFESTS, ids=[path.stem for path in MANIFESTS])
def test_a_container_has_no_rights_and_no_secret(path: Path) -> None:
    """The profile `restricted` of Kubernetes; the store's URL comes from a secret."""
    containers = [one for document in read_documents(path) for one in list_containers(document)]
    (container,) = containers

    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    for variable in container["env"]:
        is_url = variable["name"] == "GRAPHDAEMON_STORE"
        assert ("secretKeyRef" in variable.get("valueFrom", {})) is is_url
        assert is_url or variable["name"] in {"GRAPHDAEMON_FEDERATED", "AZURE_TENANT_ID"}


def test_workload_identity_proves_every_tenant(tmp_path: Path) -> None:
    """The webhook names one tenant; each file keeps its own, with the token of the cluster."""
    (files,) = [one for one in read_documents(DAEMON) if one["kind"] == "ConfigMap"]
    for name, text in files["data"].items():
        (tmp_path / name).write_text(text)
    environment = {
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        "AZURE_CLIENT_ID": "11111111-0000-0000-0000-000000000001",
        "AZURE_TENANT_ID": "11111111-0000-0000-0000-000000000002",
        "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/tokens/azure-identity-token",
    }

    read = read_folder(tmp_path, environment)

    for file in read:
        assert isinstance(file.settings, Settings), file.settings
        assert file.settings.authority == f"https://login.microsoftonline.com/{file.name}.example"
        assert [one.kind for one in file.settings.credentials] == ["federated"]
    assert [file.name for file in read] == ["contoso", "fabrikam"]


def test_the_settings_in_container_apps_are_settings(tmp_path: Path) -> None:
    """The mounted secret is a settings file of a managed identity."""
    (document,) = read_documents(CONTAINER_APP)
    secrets = {
        row["name"]: row["value"] for row in document["properties"]["configuration"]["secrets"]
    }
    (volume,) = document["properties"]["template"]["volumes"]
    for row in volume["secrets"]:
        (tmp_path / row["path"]).write_text(secrets[row["secretRef"]])
        (tmp_path / row["path"]).chmod(0o600)

    (file,) = read_folder(tmp_path, {})

    assert isinstance(file.settings, Settings), file.settings
    assert [one.kind for one in file.settings.credentials] == ["managed_identity"]


def test_the_image_is_pinned_and_nobodys() -> None:
    """Packages by their hashes, no root, nothing of the environment of development."""
    lines = CONTAINERFILE.read_text("utf-8").replace("\\\n", " ").splitlines()
    steps = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    by_word: dict[str, list[str]] = {}
    for word, rest in steps:
        by_word.setdefault(word, []).append(rest)

    assert by_word["FROM"] == ["${BASE} AS build", "${BASE}"]
    assert by_word["USER"] == ["65532:65532"]
    assert json.loads(by_word["ENTRYPOINT"][0]) == ["graphdaemon"]
    (installed,) = [step for step in by_word["RUN"] if "--require-hashes" in step]
    assert "requirements/image.txt" in installed
    copied = {source for rest in by_word["COPY"] for source in rest.split()[:-1]}
    assert {name for name in copied if not name.startswith(("--", "/"))} == {
        *("requirements/image.txt", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE"),
        *("docs/man", "src"),
    }
    (compiled,) = [step for step in by_word["RUN"] if "GRAPHDAEMON_COMPILE=1" in step]
    assert "--no-build-isolation ." in compiled
    assert "assert SCAN_PAGE" in by_word["RUN"][-1]
    # What brings a compiler is in the first stage alone.
    last = CONTAINERFILE.read_text("utf-8").rpartition("FROM ")[2]
    assert re.search("gcc|apt-get", last) is None
    locked = (ROOT / "requirements/image.txt").read_text("utf-8")
    assert re.findall(r"^(pytest|mypy|playwright)\b", locked, re.MULTILINE) == []
    assert re.findall(
        r"^(jinja2|msal|prometheus-client|psycopg|redis)==", locked, re.MULTILINE
    ) == [
        "jinja2",
        "msal",
        "prometheus-client",
        "psycopg",
        "redis",
    ]


def test_the_function_is_started_by_a_timer() -> None:
    """Six fields, the first of which are seconds, as Azure Functions has them."""
    tree = ast.parse(FUNCTION.read_text("utf-8"))
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    (decorator,) = function.decorator_list
    assert isinstance(decorator, ast.Call)
    given = {word.arg: ast.literal_eval(word.value) for word in decorator.keywords}

    assert ast.unparse(decorator.func) == "app.timer_trigger"
    setting = given["schedule"].strip("%")
    values = json.loads((FUNCTION.parent / "local.settings.json").read_text())["Values"]
    assert given["schedule"] == f"%{setting}%"
    assert len(values[setting].split()) == 6
    assert [argument.arg for argument in function.args.args] == [given["arg_name"]]
    assert json.loads((FUNCTION.parent / "host.json").read_text())["version"] == "2.0"


def test_the_function_may_run_in_any_thread(
    parameters: WriteParameters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Azure Functions runs it in a thread of a pool, where no signal is ever delivered."""
    (arguments,) = [arguments for file, arguments in COMMANDS if file == FUNCTION.name]
    monkeypatch.setenv("GRAPHDAEMON_CONFIG", str(parameters()))
    monkeypatch.setenv("GRAPHDAEMON_STORE", f"sqlite:{tmp_path}/directory.db")

    with ThreadPoolExecutor(1) as pool:
        code = pool.submit(run, arguments).result()

    assert code == 0
    assert (tmp_path / "directory.db").exists()


def test_windows_runs_what_exists() -> None:
    """Every element is one that WinSW knows: it passes over others in silence."""
    # From the list of elements in WinSW's own description of its configuration file.
    known = set(
        "id name description executable arguments workingdirectory startmode delayedAutoStart "
        "serviceaccount env stoptimeout onfailure resetfailure logpath log".split()
    )
    root = ET.parse(SERVICE).getroot()

    assert {element.tag for element in root} <= known
    assert root.findtext("id") == SERVICE.stem.removesuffix("-service")
