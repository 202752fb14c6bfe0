"""What is there when a page is begun: its folder, its settings, and what stands for its words."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.support.doc_blocks import Step
from tests.support.doc_reader import Reader
from tests.support.lived_store import live
from tests.support.places import ROOT

USER_READER = ("User.Read.All",)
# What the README says is enough for its commands.
DIRECTORY_READER = ("User.Read.All", "Directory.Read.All")


def open_scene(page: str, reader: Reader) -> None:
    """Let the folder have what the page says is in it; by default settings that work."""
    _SCENES.get(page.replace("docs/pt-BR/", "docs/"), Reader.write_settings)(reader)


def _with_own_settings(reader: Reader) -> None:
    reader.write_settings(permissions=DIRECTORY_READER)


def _after_the_quickstart(reader: Reader) -> None:
    reader.write_settings(".graphdaemon/parameters.json", USER_READER)


def _with_the_sample(number: str) -> Callable[[Reader], None]:
    """Beside a program of the examples, whose settings are filled in."""

    def fill_in(reader: Reader) -> None:
        (folder,) = (ROOT / "examples").glob(f"{number}-*")
        reader.copy(folder)
        reader.write_settings(permissions=USER_READER)

    return fill_in


def _with_a_certificate(reader: Reader) -> str:
    """Settings with a key beside the file, in which the certificate is too."""
    reader.write_settings()
    path = reader.folder / "parameters.json"
    values = json.loads(path.read_text())
    certificate = reader.emulator.add_certificate(values["client_id"])
    key_file = reader.folder / "server.pem"
    key_file.write_text(certificate.private_key + certificate.certificate)
    key_file.chmod(0o600)
    del values["secret"]
    reader.write_json("parameters.json", values | {"private_key_file": "server.pem"})
    return certificate.thumbprint


def _with_the_second_sample(reader: Reader) -> None:
    """Its settings have the thumbprint besides."""
    reader.copy(ROOT / "examples/2-Call-MsGraph-WithCertificate")
    thumbprint = _with_a_certificate(reader)
    values = json.loads((reader.folder / "parameters.json").read_text())
    reader.write_json("parameters.json", values | {"thumbprint": thumbprint})


def _before_consent(reader: Reader) -> None:
    """An app whose permission nobody has granted, and an error and a token that came of it."""
    client_id = reader.write_settings(permissions=USER_READER, consent=False)
    tenant = reader.emulator.tenant.id
    api = {"tenant": tenant, "client_id": client_id, "roles": ["Orders.Read.All"]}
    reader.write_json("orders-api.json", api)
    reader.write_json("error.json", {"error": {"code": "Authorization_RequestDenied"}})
    (reader.folder / "token.txt").write_text("eyJhbGciOiJub25lIn0.e30.")


def _before_registration(reader: Reader) -> None:
    """An administrator, a folder without settings, and the settings of an app that registers."""
    reader.sign_in_to_azure()
    permissions = ("Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All")
    reader.write_settings("registrar.json", permissions, display_name="Registrar")


def _before_exposing(reader: Reader) -> None:
    reader.sign_in_to_azure()


def _with_a_past(reader: Reader) -> None:
    live(f"sqlite:{reader.folder}/graphdaemon.db")
    reader.replaced["11111111-1111-4111-8111-111111111111"] = "a"


def _with_a_store(reader: Reader) -> None:
    reader.write_settings()
    reader.do(Step("before the page", "", "graphdaemon sync"))


def _after_a_run(reader: Reader) -> None:
    """Settings, and the report of a run of the app that the page names."""
    client_id = reader.write_settings()
    reader.replaced["11111111-2222-4333-8444-555555555555"] = client_id
    application = {"app_id": client_id, "kind": "application", "least": ["User.Read.All"]}
    reader.write_json("run.json", {"version": 1, "applications": [application], "routes": []})


def _with_two_tenants(reader: Reader) -> None:
    for name in ("contoso", "fabrikam"):
        reader.write_settings(f"tenants/{name}.json")


def _with_a_described_tenant(reader: Reader) -> None:
    """The page's own file of a tenant."""
    page = (ROOT / "docs/how-to/use-the-emulator.md").read_text("utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    (reader.folder / "tenant.toml").write_text(text)


_SCENES: dict[str, Callable[[Reader], object]] = {
    "README.md": _with_own_settings,
    "docs/tutorial/first-ten-minutes.md": _after_the_quickstart,
    "docs/tutorial/quickstart.md": _with_the_sample("1"),
    "docs/how-to/find-out-why.md": _before_consent,
    "docs/how-to/look-into-the-past.md": _with_a_past,
    "docs/how-to/protect-your-api.md": _before_exposing,
    "docs/how-to/query-the-store.md": _with_a_store,
    "docs/how-to/register-the-app.md": _before_registration,
    "docs/how-to/reports.md": _after_a_run,
    "docs/how-to/run-every-night.md": _with_a_certificate,
    "docs/how-to/use-a-certificate.md": _with_a_certificate,
    "docs/how-to/use-the-emulator.md": _with_a_described_tenant,
    "docs/how-to/watch-the-daemon.md": _with_a_store,
    "docs/how-to/work-for-many-tenants.md": _with_two_tenants,
    "examples/1-Call-MsGraph-WithSecret/README.md": _with_the_sample("1"),
    "examples/2-Call-MsGraph-WithCertificate/README.md": _with_the_second_sample,
    "examples/7-Compare-A-Store/README.md": _with_the_sample("7"),
}
