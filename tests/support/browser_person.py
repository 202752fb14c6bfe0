"""Somebody at a browser: signs in, goes from page to page, and minds what keeps people out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from entra_emulator.server.emulator import Emulator

# As long as nothing else on the machine takes its time, pages come within a tenth of this.
_PATIENCE_MS = 15_000

_AXE = Axe()


class Person:
    """
    A window of a browser, with cookies of its own.

    Args:
        page: the window.
        emulator: whose portal is visited.
    """

    def __init__(self, page: Page, emulator: Emulator) -> None:
        self.page = page
        self.emulator = emulator
        self.language = "en"
        self.dark = False
        self.troubles: list[str] = []
        page.set_default_timeout(_PATIENCE_MS)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.troubles.append(message.text)
                if "Content Security Policy" in message.text
                else None
            ),
        )

    @classmethod
    @contextmanager
    def at(
        cls,
        chromium: Browser,
        emulator: Emulator,
        *,
        language: str = "en",
        width: int = 1440,
        dark: bool = False,
        script: bool = True,
    ) -> Iterator[Self]:
        """A window of this width, in this language; it has to close without trouble."""
        context = chromium.new_context(
            locale=language,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            accept_downloads=True,
        )
        somebody = cls(context.new_page(), emulator)
        somebody.language, somebody.dark = language, dark
        try:
            yield somebody
        finally:
            context.close()
        assert somebody.troubles == []

    def open(self, path: str) -> None:
        """Go to a page of the emulator."""
        self.page.goto(f"{self.emulator.url}{path}")

    def sign_in(self, name: str) -> None:
        """Be the person with this user principal name from now on."""
        self.open("/portal/signin")
        self.page.fill("#q", name)
        self.page.press("#q", "Enter")
        self.page.locator(".people button", has_text=name).first.click()
        self.page.wait_for_selector("#account")

    def press(self, words: str) -> None:
        """Press a button or follow a link by its words."""
        button = self.page.get_by_role("button", name=words, exact=True)
        link = self.page.get_by_role("link", name=words, exact=True)
        button.or_(link).first.click()

    def barriers(self) -> list[str]:
        """
        What axe-core finds on the page that keeps people out.

        In a dark window it looks for what a window can change, no more: it costs time.
        """
        options: dict[str, object] = {"resultTypes": ["violations"]}
        if self.dark:
            options["runOnly"] = ["color-contrast", "target-size"]
        found = _AXE.run(self.page, options=options).response["violations"]
        return [
            f"{row['id']}: {row['help']}: {node['html'][:120]}"
            for row in found
            for node in row["nodes"]
        ]

    def overflows(self) -> bool:
        """Whether the page is wider than its window."""
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )
