"""The quickstart: by one button or step by step, to a sample that runs as it is downloaded."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from entra_emulator.portal.samples import SAMPLES
from tests.support.emulator_probe import Probe, running
from tests.support.places import ROOT
from tests.support.portal_visitor import (
    Visitor,
)
from tests.support.run_command import clean_environment
from tests.support.user_flows import ordinary

EXAMPLE = ROOT / "examples" / SAMPLES["secret"].folder
MAKE = "Make these changes for me"


@pytest.fixture(scope="module")
def started(keys: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    data = tmp_path_factory.mktemp("started")
    with running(keys, data, users=30) as probe:  # type: ignore[arg-type]  # the fixture
        yield probe


@pytest.fixture
def app(started: Probe) -> str:
    """The client ID of an application that has nothing yet, and that nobody owns."""
    emulator = started.emulator
    return emulator.directory.applications.register(emulator.tenant, "Daemon-console").app_id


@pytest.fixture
def open_as(started: Probe, app: str) -> Callable[..., Visitor]:
    def open_page(who: str | None = "Global Administrator", language: str = "en") -> Visitor:
        visitor = Visitor(started, language)
        visitor.sign_in(who)
        visitor.open(f"/portal/{started.emulator.tenant.id}/applications/{app}/quickstart")
        return visitor

    return open_page


def unpack(visitor: Visitor, folder: Path) -> Path:
    """What was downloaded, unpacked; the sample's folder."""
    assert visitor.answer.headers["content-type"] == "application/zip"
    assert visitor.answer.headers["content-disposition"].startswith("attachment; ")
    assert "no-store" in visitor.answer.headers["cache-control"]
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(visitor.answer.body)) as archive:
        assert all("/" in name and ".." not in name for name in archive.namelist())
        archive.extractall(folder)
    (found,) = folder.iterdir()
    return found


def download(visitor: Visitor, button: str, **typed: str) -> None:
    """Press a button whose answer is no page."""
    form = visitor.page.form(button)
    name, value = next((n, v) for n, v, words in form.buttons if button in words)
    fields = {**dict(form.fields), **typed, name: value}
    visitor.answer = visitor._send("POST", form.action, list(fields.items()), None, {})


def run(folder: Path, script: str) -> Any:
    """The sample's result, run as its page says."""
    done = subprocess.run(
        [sys.executable, script, "parameters.json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
        cwd=folder,
        env=clean_environment() | {"PYTHONUTF8": "1"},
    )
    head, _, body = done.stdout.partition("\n")
    assert head == "Graph API call result: ", done.stderr + done.stdout
    return json.loads(body)


def test_express(open_as: Callable[..., Visitor], app: str, tmp_path: Path) -> None:
    """One button, consent, download, unpack, run: users are printed."""
    visitor = open_as()
    before = visitor.page.ids["progress"]
    visitor.press(MAKE)
    made = visitor.page
    assert "The changes are made." in made.text
    assert before.count("Missing") == 3
    assert made.ids["progress"].count("Ready") == 2
    download(visitor, "Download the code sample")
    folder = unpack(visitor, tmp_path)
    sample = SAMPLES["secret"]
    early = run(folder, sample.script)
    visitor.open(made.links["Grant admin consent for Contoso"])
    visitor.press("Yes")
    result = run(folder, sample.script)

    assert early["error"]["code"] == "Authorization_RequestDenied"
    assert folder.name == sample.folder
    assert len(result["value"]) == 30
    parameters = json.loads((folder / "parameters.json").read_text())
    assert parameters["client_id"] == app
    assert parameters["secret"] == made.ids["secret-value"]
    assert parameters["authority"].startswith("https://127.0.0.1:")
    assert (folder / "ca.pem").read_bytes() == visitor.probe.emulator.ca_file.read_bytes()
    assert set(parameters) == {*json.loads((EXAMPLE / "parameters.json").read_text()), "ca_file"}


def read_archive(visitor: Visitor) -> dict[str, str]:
    """The texts of what was downloaded, by their names in the sample's folder."""
    with zipfile.ZipFile(io.BytesIO(visitor.answer.body)) as archive:
        return {name.partition("/")[2]: archive.read(name).decode() for name in archive.namelist()}


def test_the_secret_stays_until_the_download(open_as: Callable[..., Visitor]) -> None:
    """Who goes away to grant consent finds it again; once it is in the file, nobody does."""
    visitor = open_as()
    made = visitor.press(MAKE)
    secret = made.ids["secret-value"]
    place = visitor.url
    visitor.open(made.links["Grant admin consent for Contoso"])
    visitor.press("Yes")
    assert secret in visitor.open(place).source
    download(visitor, "Download the code sample")
    first = read_archive(visitor)
    after = visitor.open(place)
    download(visitor, "Download the code sample")
    second = read_archive(visitor)

    assert secret in first["parameters.json"]
    assert secret not in after.source
    assert "Already configured." in after.ids["configured"]
    assert not any(secret in text for text in second.values())
    assert "Enter_the_Client_Secret_Value_Here" in second["parameters.json"]


def test_a_secret_that_was_deleted_meanwhile_is_not_shown(
    open_as: Callable[..., Visitor], app: str
) -> None:
    """A file with it would be refused."""
    visitor = open_as()
    made = visitor.press(MAKE)
    emulator = visitor.probe.emulator
    emulator.directory.credentials.remove_password(emulator.tenant, app, made.ids["secret-id"])

    assert made.ids["secret-value"] not in visitor.open(visitor.url).source


def test_twice(open_as: Callable[..., Visitor], app: str) -> None:
    """What is configured is not configured again: one secret, one permission, and no button."""
    visitor = open_as()
    token = visitor.page.form(MAKE).fields[0][1]
    visitor.press(MAKE)
    visitor.post(visitor.url, {"token": token, "act": "make"})
    found = visitor.probe.emulator.directory.applications.find_anywhere(app)
    assert found is not None

    assert len(found.record["passwordCredentials"]) == 1
    (entry,) = found.record["requiredResourceAccess"]
    assert [one["type"] for one in entry["resourceAccess"]] == ["Role"]
    assert not any(MAKE in words for form in visitor.page.forms for _, _, words in form.buttons)


def test_manual_secret(open_as: Callable[..., Visitor], app: str, tmp_path: Path) -> None:
    """A secret made by hand is filled in; its ID, and another app's, are told apart from it."""
    visitor = open_as()
    emulator = visitor.probe.emulator
    password = emulator.directory.credentials.add_password(emulator.tenant, app, "by hand")
    assert password.secret_text is not None
    mistakes = []
    for wrong in (password.key_id, "nonsense"):
        visitor.press("Download the code sample", secret=wrong)
        assert visitor.status == 400
        assert wrong not in visitor.page.source
        mistakes.append(visitor.page.ids["secret-error"])
        visitor.open(visitor.url)
    download(visitor, "Download the code sample", secret=password.secret_text)
    folder = unpack(visitor, tmp_path)

    assert mistakes[0].startswith("This is a Secret ID.")
    assert mistakes[1].startswith("This is not a secret of this application.")
    parameters = json.loads((folder / "parameters.json").read_text())
    assert parameters["secret"] == password.secret_text


def test_certificate(
    open_as: Callable[..., Visitor], started: Probe, app: str, tmp_path: Path
) -> None:
    """The certificate's sample holds the thumbprint; with the key beside it, it runs."""
    emulator = started.emulator
    visitor = open_as()
    assert "Come back then" in visitor.page.text
    command = [sys.executable, "-m", "graphdaemon", "certificate", "new", "--out", "server.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    uploaded = load_pem_x509_certificate((tmp_path / "server.crt").read_bytes())
    der = uploaded.public_bytes(Encoding.DER)
    certificate = emulator.directory.credentials.add_certificate(emulator.tenant, app, der)
    emulator.directory.applications.add_application_permission(
        emulator.tenant, app, "User.Read.All"
    )
    emulator.directory.consents.grant_admin_consent(emulator.tenant, app)
    visitor.open(visitor.url)
    assert f"thumbprint {certificate.thumbprint}" in visitor.page.text
    download(visitor, "Download the certificate sample")
    folder = unpack(visitor, tmp_path / "unpacked")
    assert not (folder / "server.pem").exists()
    (tmp_path / "server.pem").rename(folder / "server.pem")

    assert len(run(folder, SAMPLES["certificate"].script)["value"]) == 30


def test_ordinary_user(open_as: Callable[..., Visitor]) -> None:
    """Who does not own the application is told so, and a forged form is refused."""
    visitor = open_as(None)
    assert "not-yours" in visitor.page.ids
    token = visitor.page.form("Download the code sample").fields[0][1]
    visitor.post(visitor.url, {"token": token, "act": "make"})

    assert visitor.status == 403
    assert "You don't have access" in visitor.page.text


def test_owner_without_role(open_as: Callable[..., Visitor], started: Probe, app: str) -> None:
    """An owner makes the changes, and gets the address to send to an administrator."""
    directory, tenant = started.emulator.directory, started.emulator.tenant
    upn = ordinary(started.emulator, 5)
    owner = directory.objects.find(tenant, upn, kind="user")
    application = directory.objects.find(tenant, app, kind="application")
    assert owner is not None
    assert application is not None
    directory.links.add(tenant, "owners", application, owner)
    visitor = open_as(upn)
    page = visitor.press(MAKE)

    assert page.ids["consent-link"].endswith(f"/{tenant.id}/adminconsent?client_id={app}")
    assert "secret-value" in page.ids
    assert "grant" not in page.ids


def test_unknown_act(open_as: Callable[..., Visitor]) -> None:
    """A form that asks for nothing gets nothing."""
    visitor = open_as()
    token = visitor.page.form(MAKE).fields[0][1]
    visitor.post(visitor.url, {"token": token, "act": "explode"})

    assert visitor.status == 400


def test_portuguese(open_as: Callable[..., Visitor], tmp_path: Path) -> None:
    """The page and what it hands out are in the reader's language."""
    visitor = open_as(language="pt-BR")
    assert visitor.page.headings[0][1].endswith("Início rápido")
    visitor.press("Fazer estas alterações para mim")
    download(visitor, "Baixar o exemplo de código")

    readme = (unpack(visitor, tmp_path) / "README.md").read_text("utf-8")
    assert "imprime os usuários" in readme


def test_private_files(open_as: Callable[..., Visitor]) -> None:
    """Whoever unpacks the parameters is their only reader."""
    visitor = open_as()
    download(visitor, "Download the code sample")
    with zipfile.ZipFile(io.BytesIO(visitor.answer.body)) as archive:
        modes = {one.filename: stat.S_IMODE(one.external_attr >> 16) for one in archive.infolist()}

    assert modes[f"{SAMPLES['secret'].folder}/parameters.json"] == 0o600


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_samples_are_the_examples(kind: str) -> None:
    """What is handed out is what stands in examples/, file by file."""
    packed = ROOT / "src/entra_emulator/portal/sample" / kind
    example = ROOT / "examples" / SAMPLES[kind].folder
    texts = {path.name.removesuffix(".txt"): path.read_text() for path in packed.glob("*.py.txt")}
    texts |= {path.name: path.read_text() for path in packed.iterdir() if ".py" not in path.name}

    assert texts == {
        path.name: path.read_text()
        for path in example.iterdir()
        if path.is_file() and path.name != "README.md"
    }
