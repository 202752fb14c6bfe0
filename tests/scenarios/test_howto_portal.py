from __future__ import annotations

import json
import re
from pathlib import Path

from entra_emulator.model.applications import GRAPH_APP_ID
from entra_emulator.web.pages.texts import read_texts
from tests.support.emulator_probe import Probe
from tests.support.places import DOCS
from tests.support.portal_visitor import Visitor
from tests.support.run_command import Run

PAGE = DOCS / "how-to" / "use-the-portal.md"
# Microsoft Graph's application permission, as its box is called.
USER_READ_ALL = f"{GRAPH_APP_ID}/Role/df021288-bdef-4463-88db-98f22de89214"
GRANT = "Grant admin consent for Contoso"


def test_words() -> None:
    """What the page prints in bold stands so in the portal, or begins a text of the portal's."""
    bold = re.findall(r"\*\*([^*]+)\*\*", PAGE.read_text("utf-8"))
    known = [texts["en"] for texts in read_texts().values()]

    assert len(bold) > 20
    assert [words for words in bold if not any(text.startswith(words) for text in known)] == []


def test_walk(probe: Probe, run: Run, tmp_path: Path) -> None:
    """The page's steps, click by click, end in settings that list the users."""
    emulator, visitor = probe.emulator, Visitor(probe)
    visitor.open("/portal")
    visitor.press("Global Administrator")
    visitor.open(visitor.page.links["App registrations"])
    visitor.open(visitor.page.links["New registration"])
    page = visitor.press("Register", name="Walked")
    client_id, tenant_id = page.ids["client-id"], page.ids["tenant-id"]
    visitor.open(page.links["Certificates & secrets"])
    visitor.open(visitor.page.links["New client secret"])
    page = visitor.press("Add", description="walked")
    secret = page.ids["secret-value"]
    visitor.open(page.links["API permissions"])
    visitor.open(visitor.page.links["Add a permission"])
    visitor.open(next(a for w, a in visitor.page.links.items() if w.startswith("Microsoft Graph")))
    visitor.open(next(a for w, a in visitor.page.links.items() if "Application permissions" in w))
    visitor.press("Add permissions", ticked=[("permission", USER_READ_ALL)])
    assert "Not granted for Contoso" in visitor.page.text
    visitor.open(next(a for w, a in visitor.page.links.items() if GRANT in w))
    visitor.press("Yes")
    assert "Not granted" not in visitor.page.text

    (example,) = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    settings = json.loads(
        example.replace("https://127.0.0.1:8443", emulator.url)
        .replace("{Directory (tenant) ID}", tenant_id)
        .replace("{Application (client) ID}", client_id)
        .replace("{Value}", secret)
    )
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(settings | {"ca_file": str(emulator.ca_file)}))
    path.chmod(0o600)
    done = run("users", path, "--format", "ndjson")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 250), done.stderr
