"""The steps of Microsoft's quickstart, as somebody at the portal takes them."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.support.browser_person import Person
from tests.support.portal_words import Words
from tests.support.run_command import clean_environment


def start_registering(person: Person, words: Words, name: str) -> None:
    """Register an application, and stand on its overview."""
    person.press(words.applications)
    person.press(words.new)
    person.page.get_by_label(words.name, exact=True).or_(person.page.locator("#name")).fill(name)
    person.press(words.register)
    expect(person.page.locator("#display-name")).to_have_text(name)


def add_secret(person: Person, words: Words) -> tuple[str, str]:
    """A client secret: its value, shown once, and its ID."""
    person.press(words.credentials)
    person.press(words.new_secret)
    person.page.get_by_label(words.description).fill("nightly job")
    person.press(words.add)
    page = person.page
    value, key = page.locator("#secret-value").inner_text(), page.locator("#secret-id").inner_text()
    page.reload()
    expect(page.locator("#secret-value")).to_have_count(0)
    return value, key


def upload_certificate(person: Person, words: Words, file: Path) -> None:
    """A certificate's public half."""
    person.press(words.credentials)
    person.press(words.certificates)
    person.press(words.upload)
    person.page.get_by_label(words.file).set_input_files(file)
    person.press(words.add)
    expect(person.page.locator("#certificates tbody tr")).to_have_count(1)


def add_permission(person: Person, words: Words, value: str) -> None:
    """An application permission of Microsoft Graph."""
    page = person.page
    person.press(words.permissions)
    person.press(words.add_permission)
    page.get_by_role("link", name="Microsoft Graph").click()
    page.locator(".kinds").get_by_role("link", name=words.application_permissions).click()
    page.get_by_label(words.filter).fill(value)
    page.get_by_role("button", name=words.search, exact=True).click()
    page.locator("label.tick", has=page.get_by_text(value, exact=True)).click()
    person.press(words.add_permissions)
    expect(row_of(page, value)).to_contain_text(words.waiting)


def grant(person: Person, words: Words, value: str) -> None:
    """Admin consent, from the page of API permissions."""
    person.press(words.permissions)
    person.page.locator("#grant").click()
    person.press(words.yes)
    expect(row_of(person.page, value)).to_contain_text(words.granted)


def row_of(page: Page, value: str) -> Locator:
    """The row of a permission."""
    return page.locator("table.permissions tr").filter(has_text=value)


def download(person: Person, button: str, folder: Path) -> Path:
    """The sample's folder, unpacked."""
    with person.page.expect_download() as waiting:
        person.page.locator(button).click()
    archive = Path(waiting.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        packed.extractall(folder)
    (unpacked,) = folder.iterdir()
    return unpacked


def run_sample(folder: Path, python: Path) -> str:
    """What the sample prints, run in its folder as its README says."""
    (script,) = folder.glob("*.py")
    done = subprocess.run(
        [str(python), script.name, "parameters.json"],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        env=clean_environment() | {"PYTHONUTF8": "1", "PATH": os.environ["PATH"]},
    )
    return done.stdout + done.stderr
