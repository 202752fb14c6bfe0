"""The plugin as pytest loads it, in projects that use it and in those that do not."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from entra_emulator import Emulator
from tests.support.run_command import clean_environment

HEAVY = (
    "{'starlette', 'uvicorn', 'cryptography', 'trustme', 'httpx', 'requests', 'msgspec', 'msal'}"
)

Outcome = subprocess.CompletedProcess[str]


@pytest.fixture
def run_pytest(tmp_path: Path) -> Callable[..., Outcome]:
    """Run these tests with pytest in a folder of their own, with no settings of ours."""

    def run(tests: str, *arguments: str, python: tuple[str, ...] = ()) -> Outcome:
        (tmp_path / "test_project.py").write_text(tests, encoding="utf-8")
        (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
        return subprocess.run(
            [sys.executable, *python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=clean_environment() | {"PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
            timeout=300,
        )

    return run


def test_a_project_that_asks_for_no_tenant_pays_nothing(
    run_pytest: Callable[..., Outcome],
) -> None:
    """Of the emulator two files are loaded, and no library; a fixture of its own name wins."""
    done = run_pytest(
        f"""
import pytest
import sys

@pytest.fixture
def entra():
    return "the project's own"

def test_own(entra):
    assert entra == "the project's own"
    loaded = {{name for name in sys.modules if name.startswith(("entra_emulator", "graphdaemon"))}}
    assert loaded == {{"entra_emulator", "entra_emulator.pytest_plugin"}}
    assert not {HEAVY} & set(sys.modules)
""",
        "-W",
        "error",
    )

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_without_the_extra_a_test_is_told_what_to_install(
    run_pytest: Callable[..., Outcome], tmp_path: Path
) -> None:
    """And a project that does not ask is not bothered."""
    (tmp_path / "starlette.py").write_text(
        "raise ModuleNotFoundError('No module', name='starlette')"
    )

    done = run_pytest("def test_tenant(entra): pass\ndef test_other(): pass\n")

    assert "the pretend tenant needs starlette: pip install 'graphdaemon[emulator]'" in done.stdout
    assert "1 passed, 1 error" in done.stdout


MARKED = """
import pytest

pytestmark = pytest.mark.entra(users=3, groups=2)

def count(entra, kind):
    return entra.directory.collections.count(entra.tenant, kind)

def test_module(entra):
    assert (count(entra, "user"), count(entra, "group")) == (3, 2)

@pytest.mark.entra(users=7, permissions=["Group.Read.All"])
def test_nearest(entra_server):
    assert (count(entra_server, "user"), count(entra_server, "group")) == (7, 2)
    granted = entra_server.directory.consents.list_granted_roles(
        entra_server.tenant, entra_server.application.client_id
    )
    assert list(granted) == ["Group.Read.All"]

@pytest.mark.entra(5)
def test_no_names(entra): pass

@pytest.mark.entra(usres=5)
def test_no_setting(entra): pass
"""


def test_what_stands_nearest_to_a_test_counts(run_pytest: Callable[..., Outcome]) -> None:
    """Marks of module and test are joined; a wrong one is an error of its test alone."""
    done = run_pytest(MARKED)

    assert "2 passed, 2 errors" in done.stdout, done.stdout
    assert "takes names and values, as in users=50, not (5,)" in done.stdout
    assert "'usres'" in done.stdout


SHARED = """
import threading

ids = set()

def test_one(entra, entra_server):
    ids.update([entra.application.client_id, entra_server.application.client_id])
    entra.add_user("ada")
    assert entra_server.directory.collections.count(entra_server.tenant, "user") == 0

def test_two(entra):
    ids.add(entra.application.client_id)
    assert entra.directory.collections.count(entra.tenant, "user") == 0
    assert len(ids) == 3, "a token kept by one test would be good in another"
    assert sum(thread.name == "emulator" for thread in threading.enumerate()) == 1
"""


def test_every_test_has_a_tenant_of_its_own(run_pytest: Callable[..., Outcome]) -> None:
    """And all of them have one thread; warnings of what was left open would fail the run."""
    done = run_pytest(SHARED, "-W", "error")

    assert "2 passed" in done.stdout, done.stdout


def test_a_misspelt_setting_is_named(run_pytest: Callable[..., Outcome]) -> None:
    """With those that there are, in the last line that pytest writes."""
    tests = "import pytest\n@pytest.mark.entra(user=3)\ndef test(entra): pass\n"
    done = run_pytest(tests)

    assert done.returncode == 1
    assert "@pytest.mark.entra has no setting 'user'; it has " in done.stdout


def test_the_fixtures_are_listed_with_what_they_are(run_pytest: Callable[..., Outcome]) -> None:
    """`pytest --fixtures` and `pytest --markers` say it."""
    assert "A pretend tenant of the test's own" in run_pytest("", "--fixtures").stdout
    assert "@pytest.mark.entra(**settings)" in run_pytest("", "--markers").stdout


def test_the_same_without_pytest() -> None:
    """`with Emulator(…) as tenant:` in unittest, a script or a notebook."""
    with Emulator(in_process=True, users=2, permissions=["Group.Read.All"]) as tenant:
        tenant.add_group("Engineers", [tenant.add_user("ada")])
        held = tenant.directory.consents.list_granted_roles(
            tenant.tenant, tenant.application.client_id
        )

        assert list(held) == ["Group.Read.All"]
        assert tenant.application.environment["AZURE_TENANT_ID"] == tenant.tenant.id
        assert "ca_file" not in tenant.application.parameters
