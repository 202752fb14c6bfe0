"""`graphdaemon certificate`: a new key pair, and one that replaces the last."""

import json
from pathlib import Path

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.key_files import read_key_pair
from tests.support.client_app import register
from tests.support.run_command import Command


def test_a_new_key_pair_is_private_and_its_certificate_public(
    command: Command, tmp_path: Path
) -> None:
    """Two files, both thumbprints, and where to upload which."""
    out = tmp_path / "app.pem"

    outcome = command("certificate", "new", "--out", out, "--days", 30, "--name", "Nightly sync")

    assert outcome.code == 0
    pair = read_key_pair(out)
    assert outcome.out.decode().splitlines() == [
        f"SHA-1    {pair.certificate.thumbprint}",
        f"SHA-256  {pair.certificate.thumbprint_sha256}",
    ]
    assert out.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in (tmp_path / "app.crt").read_text()
    assert f"Upload {tmp_path / 'app.crt'} under App registrations" in outcome.err
    again = command("certificate", "new", "--out", out)
    assert again.code == 2
    assert "exists already" in again.err
    assert read_key_pair(out).certificate == pair.certificate


def test_the_pretend_tenant_rolls_keys_too(
    command: Command, emulator: Emulator, key_pair: tuple[str, bytes], tmp_path: Path
) -> None:
    """Its addKey and removeKey were written by others, from the same documentation."""
    app = register(emulator, key_pair, consent=False)
    directory, tenant = emulator.directory, emulator.tenant
    directory.applications.add_application_permission(tenant, app.client_id, "Application.Read.All")
    directory.consents.grant_admin_consent(tenant, app.client_id)
    key_file = tmp_path / "app.pem"
    key_file.write_text(app.pem)
    key_file.chmod(0o600)
    settings = {
        "authority": f"{emulator.url}/{tenant.id}",
        "client_id": app.client_id,
        "scope": ["https://graph.microsoft.com/.default"],
        "private_key_file": "app.pem",
        "endpoint": f"{emulator.url}/v1.0/users",
        "ca_file": str(emulator.ca_file),
    }
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(settings))

    outcome = command("certificate", "rotate", path)

    assert outcome.code == 0, outcome.err
    assert "Removed the old key" in outcome.err
    assert read_key_pair(key_file).certificate.thumbprint != app.thumbprint
    assert command("certificate", "rotate", path).code == 0
