from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from entra_emulator.clock import parse_iso
from entra_emulator.content.seed import seed_directory
from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Tenant
from tests.support.certificates_and_assertions import (
    Identity,
    describe,
    encode,
    make_identity,
    sign,
)
from tests.support.emulator_probe import App, Probe, register

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def codes_of_secret(app: App, secret: str | None) -> Any:
    content = app.probe.post(app.token_path, app.form(client_secret=secret)).json()
    return content.get("error_codes")


def codes_of_certificate(app: App, identity: Identity) -> Any:
    audience = app.probe.emulator.url + app.token_path
    form = app.form(
        client_secret=None,
        client_assertion=sign(identity, *describe(identity, app.client_id, audience)),
        client_assertion_type=JWT_BEARER,
    )
    return app.probe.post(app.token_path, form).json().get("error_codes")


def entries(app: App, name: str) -> list[str]:
    application = app.probe.emulator.directory.applications.find(app.tenant, app.client_id)
    assert application is not None
    return [entry["keyId"] for entry in application.record[name]]


def test_secrets(probe: Probe) -> None:
    """Each of several secrets is good in its own time, and until it is taken away."""
    app, directory = register(probe), probe.emulator.directory
    now = directory.clock.now()
    made = [
        directory.credentials.add_password(
            app.tenant, app.client_id, name, start=now + start, end=now + end
        )
        for name, start, end in (
            ("past", -9, -1),
            ("now", -9, 99),
            ("next", -9, 99),
            ("far", 9, 99),
        )
    ]

    before = [codes_of_secret(app, password.secret_text) for password in made]
    directory.credentials.remove_password(app.tenant, app.client_id, made[1].key_id)
    after = [codes_of_secret(app, password.secret_text) for password in made]

    assert before == [[7000222], None, None, [7000215]]
    assert after == [[7000222], [7000215], None, [7000215]]
    assert entries(app, "passwordCredentials")[1:] == [made[i].key_id for i in (0, 2, 3)]


def test_certificates(probe: Probe) -> None:
    """Each of several certificates is good in its own time, and until it is taken away."""
    app, directory = register(probe), probe.emulator.directory
    identities = [
        make_identity(0),
        make_identity(1),
        make_identity(2, end_days=-1, start_days=-9),
        make_identity(3, start_days=5),
    ]
    made = [
        directory.credentials.add_certificate(app.tenant, app.client_id, i.der) for i in identities
    ]

    before = [codes_of_certificate(app, identity) for identity in identities]
    directory.credentials.remove_certificate(app.tenant, app.client_id, made[0].key_id)
    after = [codes_of_certificate(app, identity) for identity in identities]

    assert before == [None, None, [700027], [50012]]
    assert after == [[700027], None, [700027], [50012]]
    assert entries(app, "keyCredentials") == [certificate.key_id for certificate in made[1:]]
    thumbprint = encode(identities[0].certificate.fingerprint(hashes.SHA256()))
    assert thumbprint not in {
        c.thumbprint_sha256 for c in directory.credentials.list_certificates(app.client_id)
    }


def test_nothing_to_remove(probe: Probe) -> None:
    """What is not there cannot be taken away, and another's neither."""
    app, other = register(probe), register(probe)
    directory = probe.emulator.directory
    foreign = directory.credentials.add_password(other.tenant, other.client_id)

    for remove, key_id in (
        (directory.credentials.remove_password, foreign.key_id),
        (directory.credentials.remove_certificate, "x"),
        (directory.credentials.remove_federated, "x"),
    ):
        with pytest.raises(LookupError, match=app.client_id):
            remove(app.tenant, app.client_id, key_id)
    assert codes_of_secret(other, foreign.secret_text) is None


def test_public_client(probe: Probe) -> None:
    """A public client that is given a credential is a confidential one."""
    directory, tenant = probe.emulator.directory, probe.emulator.tenant
    made = directory.applications.register(tenant, "Phone")
    directory.applications.make_public(tenant, made.app_id)
    app = App(probe, tenant, made.app_id, "x")

    before = codes_of_secret(app, "x")
    secret = directory.credentials.add_password(tenant, made.app_id).secret_text
    after = codes_of_secret(app, secret)

    assert (before, after) == ([700025], None)
    assert codes_of_secret(app, None) == [7000216]


def test_password(directory: Directory, seeded: Tenant) -> None:
    """A secret has the real shape, two years to live, and is kept as a digest only."""
    app_id = directory.applications.register(seeded, "x").app_id
    made = directory.credentials.add_password(seeded, app_id, "first")
    secret = made.secret_text or ""
    application = directory.applications.find(seeded, app_id)
    assert application is not None
    (entry,) = application.record["passwordCredentials"]

    assert (len(secret), secret[3:6], secret[:3]) == (40, "8Q~", made.hint)
    assert made.end - made.start == 730 * 86400
    assert entry == {
        "customKeyIdentifier": None,
        "displayName": "first",
        "endDateTime": "2029-01-14T08:00:00.0000000Z",
        "hint": made.hint,
        "keyId": made.key_id,
        "secretText": None,
        "startDateTime": "2027-01-15T08:00:00.0000000Z",
    }
    assert parse_iso(entry["endDateTime"]) == made.end
    found = directory.credentials.find_password(app_id, secret)
    assert found is not None
    assert (found.key_id, found.secret_text) == (made.key_id, None)
    assert directory.credentials.find_password(app_id, secret[:-1]) is None


def test_secret_is_not_stored(tmp_path: Path) -> None:
    """No file of the data folder holds a secret's text."""
    directory = Directory(tmp_path / "directory.sqlite")
    tenant = seed_directory(directory, users=1)
    app_id = directory.applications.register(tenant, "x").app_id
    secret = directory.credentials.add_password(tenant, app_id).secret_text or "-"
    directory.close()

    for path in tmp_path.iterdir():
        assert secret.encode() not in path.read_bytes()
