"""What the page on protecting an API shows is run, and called with tokens of the pretend tenant."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from entra_emulator.server.emulator import Emulator
from tests.support.emulator_probe import App, Probe, register
from tests.support.places import DOCS
from tests.support.protected_apps import READ, WRITE, read, serve
from tests.support.run_command import clean_environment

PAGE = (DOCS / "how-to/protect-your-api.md").read_text(encoding="utf-8")
BLOCKS = re.findall(
    r"<!-- run by a test: (\w+) -->\n```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE
)
APPS = [code for kind, code in BLOCKS if kind == "app"]
NAMES = [re.findall(r"^from (\w+)", code, re.MULTILINE)[0] for code in APPS]

DJANGO = """
import io, os, wsgiref.util
def call(header):
    told = []
    environ = {"PATH_INFO": "/orders", "wsgi.input": io.BytesIO()}
    if header:
        environ["HTTP_AUTHORIZATION"] = header
    wsgiref.util.setup_testing_defaults(environ)
    body = b"".join(application(environ, lambda status, headers: told.append(status)))
    print(told[0], body.decode())
call(os.environ["HEADER"])
call(None)
"""
URLS = """
from django.http import JsonResponse
from django.urls import path
def orders(request):
    return JsonResponse({"caller": request.META["graphdaemon.caller"].client_id})
urlpatterns = [path("orders", orders)]
"""


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator(users=1) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def api_id(emulator: Emulator) -> str:
    directory, tenant = emulator.directory, emulator.tenant
    api = directory.applications.register(tenant, "Orders")
    directory.applications.expose_api(
        tenant, api.app_id, app_roles=[(READ, "Read"), (WRITE, "Write")], token_version=2
    )
    return api.app_id


@pytest.fixture(scope="module")
def caller(emulator: Emulator, api_id: str) -> Iterator[App]:
    probe = Probe(emulator)
    app = register(probe, name="Caller")
    emulator.directory.applications.add_application_permission(
        emulator.tenant, app.client_id, READ, resource_app_id=api_id
    )
    emulator.directory.consents.grant_admin_consent(emulator.tenant, app.client_id)
    yield app
    probe.close()


@pytest.fixture
def header(
    emulator: Emulator, api_id: str, caller: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A good header, in a folder with the page's parameters.json."""
    text = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)[0]
    values = {
        name: value
        for name, value in (
            json.loads(text)
            | {
                "authority": f"{emulator.url}/{emulator.tenant.id}",
                "client_id": api_id,
                "ca_file": str(emulator.ca_file),
            }
        ).items()
        if name != "tenant"
    }
    (tmp_path / "parameters.json").write_text(json.dumps(values))
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("GRAPHDAEMON_", "AZURE_")):
            monkeypatch.delenv(name)
    return f"Bearer {caller.token(scope=f'api://{api_id}/.default')}"


def test_fastapis_pages_say_that_a_token_is_needed(header: str) -> None:
    """The scheme is there, and each operation names it."""
    names: dict[str, Any] = {"__name__": "orders"}
    (code,) = (code for code in APPS if "fastapi" in code)
    exec(code, names)
    document = names["app"].openapi()

    assert document["components"]["securitySchemes"] == {
        "HTTPBearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    assert document["paths"]["/orders"]["get"]["security"] == [{"HTTPBearer": []}]


@pytest.mark.parametrize("code", APPS, ids=NAMES)
def test_each_app_of_the_page_lets_in_its_callers(
    code: str, header: str, caller: App, tmp_path: Path
) -> None:
    """As it stands there, with a parameters.json as it stands there."""
    names: dict[str, Any] = {"__name__": "orders"}
    exec(code, names)
    with names["api"], serve(names["app"], tmp_path, is_asgi="flask" not in code) as served:
        good, bad = served.get("/orders", header), served.get("/orders")

    assert (good.status, read(good)) == (200, {"caller": caller.client_id})
    assert (bad.status, bad.headers["www-authenticate"]) == (401, "Bearer")


def test_djangos_wsgi_file_works(header: str, caller: App, tmp_path: Path) -> None:
    """In a project of its own, and a process of its own."""
    (code,) = (code for kind, code in BLOCKS if kind == "django")
    (tmp_path / "shop").mkdir()
    settings = 'ALLOWED_HOSTS = ["*"]\nROOT_URLCONF = "shop.urls"\nSECRET_KEY = "x"\n'
    (tmp_path / "shop/settings.py").write_text(settings)
    (tmp_path / "shop/urls.py").write_text(URLS)

    done = subprocess.run(
        [sys.executable, "-c", code + DJANGO],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env=clean_environment() | {"HEADER": header},
    )

    good, bad = done.stdout.splitlines()
    assert good == f'200 OK {{"caller": "{caller.client_id}"}}'
    assert bad.startswith("401 Unauthorized")


@pytest.mark.parametrize("good", [True, False])
def test_the_plain_check_works(
    header: str, caller: App, good: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says who calls, or what to answer."""
    (code,) = (code for kind, code in BLOCKS if kind == "header")
    exec(code, {"header": header if good else None})

    said = capsys.readouterr().out
    assert said.startswith(f"{caller.client_id} ['{READ}']" if good else "401 [('Content-Type',")


def test_the_answer_shown_is_the_answer_given(header: str) -> None:
    """To the letter, but for the hint, which is cut."""
    from graphdaemon import protect

    with (
        protect.load("parameters.json", roles=["Stock.Read.All"]) as api,
        pytest.raises(protect.CallerRefusedError) as caught,
    ):
        api.check(header)
    error = caught.value
    shown = PAGE.partition("HTTP/1.1 403 Forbidden\n")[2].partition("\n```")[0]
    shown = shown.replace("Orders.Read.All", "Stock.Read.All")

    assert f"WWW-Authenticate: {error.challenge}\n" in shown
    body = json.loads(shown.partition("\n\n")[2])
    assert json.loads(error.body) | {"hint": ""} == body | {"hint": ""}
    assert (error.hint or "").startswith(body["hint"].removesuffix(" …"))
