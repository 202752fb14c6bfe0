"""Microsoft's quickstart, click by click, up to the users that the sample prints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.key_files import make_key_pair
from tests.support.browser_person import Person
from tests.support.places import ROOT
from tests.support.portal_walk import (
    add_permission,
    add_secret,
    download,
    grant,
    row_of,
    run_sample,
    start_registering,
    upload_certificate,
)
from tests.support.portal_words import WORDS
from tests.support.user_flows import holder, ordinary

ADMINISTRATOR = "Privileged Role Administrator"
PERMISSION = "User.Read.All"


@pytest.fixture(scope="session")
def sample_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with what the sample's requirements.txt asks for, and nothing else."""
    folder = tmp_path_factory.mktemp("sample") / "venv"
    requirements = ROOT / "examples/1-Call-MsGraph-WithSecret/requirements.txt"
    python, uv = folder / "bin" / "python", Path(sys.executable).with_name("uv")
    make: list[str | Path] = [sys.executable, "-m", "venv", folder]
    install: list[str | Path] = [python, "-m", "pip", "install"]
    if uv.exists():  # quicker, and it keeps what it downloaded
        make = [uv, "venv", "--python", sys.executable, folder]
        install = [uv, "pip", "install", "--python", python]
    trusting = os.environ | {"UV_SYSTEM_CERTS": "1"}  # pip reads the machine's settings, uv not
    subprocess.run(make, check=True, timeout=120, env=trusting)
    subprocess.run([*install, "--quiet", "-r", requirements], check=True, timeout=300, env=trusting)
    return python


@pytest.fixture(params=sorted(WORDS))
def reader(
    request: pytest.FixtureRequest, chromium: Browser, emulator: Emulator
) -> Iterator[Person]:
    """Somebody who reads English, and somebody who reads Brazilian Portuguese."""
    with Person.at(chromium, emulator, language=request.param) as somebody:
        yield somebody


def test_the_manual_way(reader: Person, tmp_path: Path, sample_python: Path) -> None:
    """Register, secret, permission, consent refused and granted, download, run: users."""
    words, page = WORDS[reader.language], reader.page
    reader.sign_in(ordinary(reader.emulator))
    start_registering(reader, words, "Daemon-console")
    own = page.url
    secret, key = add_secret(reader, words)
    add_permission(reader, words, PERMISSION)
    assert page.locator("#grant").is_disabled()
    link = page.locator("#consent-link").inner_text()

    reader.sign_in(holder(reader.emulator, ADMINISTRATOR))
    page.goto(link)
    page.get_by_role("button", name=words.cancel).click()
    page.goto(link)
    assert reader.barriers() == []
    page.get_by_role("button", name=words.accept).click()
    page.goto(f"{own}/permissions")
    expect(row_of(page, PERMISSION)).to_contain_text(words.granted)

    reader.sign_in(ordinary(reader.emulator))
    page.goto(f"{own}/quickstart")
    page.locator("#secret").fill(key)
    page.locator("#download").click()
    expect(page.locator("#secret-error")).to_be_visible()
    page.locator("#secret").fill(secret)
    folder = download(reader, "#download", tmp_path)
    assert "userPrincipalName" in run_sample(folder, sample_python)


def test_the_sample_meets_the_403_without_consent(
    person: Person, tmp_path: Path, sample_python: Path
) -> None:
    """Before an administrator consents the sample prints Graph's refusal; afterwards, users."""
    words, page = WORDS["en"], person.page
    person.sign_in(holder(person.emulator, ADMINISTRATOR))
    start_registering(person, words, "Too early")
    own = page.url
    person.press(words.quickstart)
    person.press(words.make)
    folder = download(person, "#download", tmp_path)
    assert "Authorization_RequestDenied" in run_sample(folder, sample_python)

    page.goto(own)
    grant(person, words, PERMISSION)
    assert "userPrincipalName" in run_sample(folder, sample_python)


def test_the_express_way(reader: Person, tmp_path: Path, sample_python: Path) -> None:
    """One button, the consent it still needs, the sample: users."""
    words, page = WORDS[reader.language], reader.page
    reader.sign_in(holder(reader.emulator, ADMINISTRATOR))
    start_registering(reader, words, "Express")
    reader.press(words.quickstart)
    reader.press(words.make)
    folder = download(reader, "#download", tmp_path)
    page.locator("#consent #grant").click()
    reader.press(words.yes)

    assert "userPrincipalName" in run_sample(folder, sample_python)


def test_the_way_with_a_certificate(person: Person, tmp_path: Path, sample_python: Path) -> None:
    """The key stays here; the public half is uploaded, and its thumbprint is in the download."""
    words, page = WORDS["en"], person.page
    key, der = make_key_pair("browser")
    (tmp_path / "server.cer").write_bytes(der)
    person.sign_in(holder(person.emulator, ADMINISTRATOR))
    start_registering(person, words, "With a certificate")
    upload_certificate(person, words, tmp_path / "server.cer")
    add_permission(person, words, PERMISSION)
    grant(person, words, PERMISSION)
    person.press(words.quickstart)
    page.locator("#with-certificate summary").click()
    folder = download(person, "#download-certificate", tmp_path / "unpacked")
    (folder / "server.pem").write_text(key)

    assert "userPrincipalName" in run_sample(folder, sample_python)
