"""`graphdaemon certificate`: a new key pair, and one that replaces the last."""

import json
import resource
from pathlib import Path

import pytest

from entra_emulator.server.emulator import Emulator
from graphdaemon.auth.key_files import read_key_pair
from tests.support.client_app import register
from tests.support.run_command import Command, run_graphdaemon


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


@pytest.mark.parametrize("name", ["", "a" * 65, "é" * 33, "a\nb"])
@pytest.mark.parametrize("words", [("new", "--out", "x.pem"), ("rotate", "x.json")], ids=" ".join)
def test_a_name_that_no_certificate_can_have_is_refused(
    command: Command, name: str, words: tuple[str, ...]
) -> None:
    """A common name has from 1 to 64 bytes."""
    outcome = command("certificate", *words, "--name", name)

    assert outcome.code == 2
    assert "a certificate's name has from 1 to 64 bytes" in outcome.err
    assert not Path("x.pem").exists()


def test_the_longest_name_is_taken(command: Command, tmp_path: Path) -> None:
    """By bytes, as it stands in the certificate."""
    out = tmp_path / "app.pem"

    assert command("certificate", "new", "--out", out, "--name", "é" * 32).code == 0
    assert read_key_pair(out).certificate.thumbprint


@pytest.mark.parametrize("room", [0, 1000, 2000])
def test_a_key_without_room_is_one_error_and_no_file(tmp_path: Path, room: int) -> None:
    """Neither a part of a key nor a key without its certificate is left."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    run = run_graphdaemon("certificate", "new", "--out", tmp_path / "app.pem", preexec_fn=limit)

    assert run.returncode == 7, run.stderr
    assert "cannot be written: File too large" in run.stderr
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_key_in_a_folder_that_is_missing_is_one_error(command: Command, tmp_path: Path) -> None:
    outcome = command("certificate", "new", "--out", tmp_path / "nowhere" / "app.pem")

    assert outcome.code == 7
    assert "No such file or directory" in outcome.err


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
