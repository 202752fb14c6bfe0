"""A real Chromium, which trusts the pretend tenant's server and nobody else unknown."""

from __future__ import annotations

import base64
import shutil
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, sync_playwright

from entra_emulator.server.emulator import Emulator

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The program's path, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def run_chromium(path: str, emulator: Emulator) -> Iterator[Browser]:
    """
    The browser, without a window.

    While Playwright's blocking face is open, its event loop counts as running: nothing else on
    this thread can start one.
    """
    arguments = [
        f"--ignore-certificate-errors-spki-list={_key_hash(emulator)}",
        "--disable-lcd-text",  # letters have no coloured edges: pictures are small
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


def _key_hash(emulator: Emulator) -> str:
    """What Chromium knows the server's key by: the SHA-256 of its SubjectPublicKeyInfo."""
    place = urlsplit(emulator.url)
    assert place.hostname is not None
    pem = ssl.get_server_certificate(
        (place.hostname, place.port or 443), ca_certs=str(emulator.ca_file)
    )
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(sha256(der).digest()).decode()
