from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from entra_emulator.clock import Clock, parse_iso
from entra_emulator.model.applications import describe_certificate
from tests.entra_emulator.portal.pages.test_app_registrations import register
from tests.support.emulator_probe import App, Probe
from tests.support.portal_visitor import Visitor

FORMS = serialization.Encoding


@pytest.fixture(scope="session")
def pair() -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return certify(key), key


def certify(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nightly")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7)
    dated = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(
        now + timedelta(days=99)
    )
    return dated.sign(key, hashes.SHA256())


@contextmanager
def at_credentials(visitor: Visitor, name: str, tab: str = "") -> Iterator[str]:
    """A new application, and its page for credentials open; its client ID."""
    app_id = register(visitor, name)
    place = f"/portal/{visitor.probe.emulator.tenant.id}/applications/{app_id}/credentials"
    visitor.open(place + tab)
    yield app_id


def test_secret(admin: Visitor) -> None:
    """A secret's value is shown once, beside its ID; it gets a token, and deleted it gets none."""
    with at_credentials(admin, "With a secret") as app_id:
        admin.open(admin.page.links["New client secret"])
        page = admin.press("Add", description="nightly", expires="90")

        assert "won't be able to see it" in page.text
        assert (
            "It is the Value, not the Secret ID, that goes into the program's settings" in page.text
        )
        value, key_id = page.ids["secret-value"], page.ids["secret-id"]
        app = App(admin.probe, admin.probe.emulator.tenant, app_id, value)
        assert app.token()
        directory, tenant = admin.probe.emulator.directory, admin.probe.emulator.tenant
        application = directory.applications.find(tenant, app_id)
        assert application is not None
        (entry,) = application.record["passwordCredentials"]
        assert (entry["keyId"], entry["displayName"]) == (key_id, "nightly")
        days = (parse_iso(entry["endDateTime"]) - parse_iso(entry["startDateTime"])) / 86_400
        assert days == 90

        page = admin.open(admin.url)
        assert value not in page.source
        assert f"{value[:3]}****" in page.text
        admin.open(next(a for w, a in page.links.items() if w.startswith("Delete")))
        assert "Do you want to delete the client secret nightly?" in admin.page.text
        admin.press("Delete")
        assert "No client secrets have been created" in admin.page.text
        assert admin.probe.post(app.token_path, app.form()).status == 401


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"expires": "7"}, "Choose when the secret expires."),
        ({"expires": "custom"}, "Give a date."),
        ({"expires": "custom", "start": "today", "end": "2030-01-01"}, "Give a date."),
        ({"expires": "custom", "start": "2030-01-02", "end": "2030-01-01"}, "at most 730 days"),
        ({"expires": "custom", "start": "2030-01-02", "end": "2033-01-01"}, "at most 730 days"),
        ({"description": "d" * 121}, "A description has at most 120 characters."),
    ],
)
def test_secret_refused(admin: Visitor, typed: dict[str, str], complaint: str) -> None:
    """A spell that makes no sense is refused at its field."""
    with at_credentials(admin, "Refused") as app_id:
        admin.open(admin.page.links["New client secret"])
        page = admin.press("Add", typed)

        assert (admin.status, complaint in page.text) == (400, True)
        directory = admin.probe.emulator.directory
        application = directory.applications.find(admin.probe.emulator.tenant, app_id)
        assert application is not None
        assert application.record["passwordCredentials"] == []


def test_custom_spell(admin: Visitor) -> None:
    """A secret may begin and end on days of one's own; nobody named it, so the portal does."""
    with at_credentials(admin, "Custom"):
        admin.open(admin.page.links["New client secret"])
        page = admin.press("Add", expires="custom", start="2030-01-01", end="2030-06-30")

        assert "6/30/2030" in page.text
        assert "Password uploaded on Tue Jan 01 2030" in page.text


def test_states(launch: Callable[..., Probe]) -> None:
    """What has expired, or will within 30 days, is marked so."""
    clock = Clock()
    visitor = Visitor(launch(users=5, clock=clock))
    visitor.sign_in()
    with at_credentials(visitor, "Ageing"):
        visitor.open(visitor.page.links["New client secret"])
        visitor.press("Add", expires="90")
        assert "Expir" not in visitor.page.ids["secrets"].replace("Expires", "")
        for days, word in ((61, "Expiring soon"), (30, "Expired")):
            clock.move(days * 86_400)
            visitor.sign_in()
            visitor.open("/portal/tenants")
            home = f"/portal/{visitor.probe.emulator.tenant.id}/applications"
            page = visitor.open(f"{home}?q=Ageing")
            assert word in page.text
            page = visitor.open(page.links["Ageing"] + "/credentials")
            assert word in page.ids["secrets"]


@pytest.mark.parametrize("form", ["pem", "bundle", "der"])
def test_certificate(
    admin: Visitor, pair: tuple[x509.Certificate, rsa.RSAPrivateKey], form: str
) -> None:
    """A certificate in PEM, below other text or in DER is added; its thumbprints are shown."""
    certificate, _ = pair
    content = certificate.public_bytes(FORMS.DER if form == "der" else FORMS.PEM)
    if form == "bundle":
        content = b"Bag Attributes\r\n    friendlyName: nightly\r\n" + content
    with at_credentials(admin, f"With {form}", "/certificates") as app_id:
        admin.open(admin.page.links["Upload certificate"])
        page = admin.press("Add", files={"certificate": content}, description="")

        assert "The certificate was added." in page.text
        (known,) = admin.probe.emulator.directory.credentials.list_certificates(app_id)
        expected = describe_certificate("", certificate.public_bytes(FORMS.DER), 0, 0)
        assert (known.thumbprint, known.der) == (expected.thumbprint, expected.der)
        for text in (expected.thumbprint, expected.thumbprint_sha256, "CN=nightly"):
            assert text in page.ids["certificates"]
        admin.open(next(a for w, a in page.links.items() if w.startswith("Delete")))
        admin.press("Delete")
        assert "The certificate CN=nightly was deleted." in admin.page.text
        assert admin.probe.emulator.directory.credentials.list_certificates(app_id) == []


def test_certificates_stay(
    admin: Visitor, pair: tuple[x509.Certificate, rsa.RSAPrivateKey]
) -> None:
    """Another certificate leaves those there are as they are."""
    with at_credentials(admin, "With two", "/certificates") as app_id:
        for certificate in (pair[0], certify(pair[1])):
            admin.open(admin.page.links["Upload certificate"])
            admin.press("Add", files={"certificate": certificate.public_bytes(FORMS.PEM)})
        assert len(admin.probe.emulator.directory.credentials.list_certificates(app_id)) == 2
        assert "Certificates (2)" in admin.page.text


def bad_files(key: rsa.RSAPrivateKey) -> dict[str, tuple[bytes, str]]:
    private = key.private_bytes(
        FORMS.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    elliptic = certify(ec.generate_private_key(ec.SECP256R1()))
    return {
        "none": (b"", "Choose a file."),
        "noise": (b"\x00\x01hello", "That file is no certificate with an RSA key"),
        "elliptic": (elliptic.public_bytes(FORMS.DER), "no certificate with an RSA key"),
        "private": (private, "That file holds a private key"),
        "large": (b"0" * 40_000, "at most 32 KB"),
    }


@pytest.mark.parametrize("kind", ["none", "noise", "elliptic", "private", "large"])
def test_bad_certificate(
    admin: Visitor, pair: tuple[x509.Certificate, rsa.RSAPrivateKey], kind: str
) -> None:
    """A file that is no certificate is refused with what to do instead."""
    content, complaint = bad_files(pair[1])[kind]
    with at_credentials(admin, "Bad file", "/certificates") as app_id:
        admin.open(admin.page.links["Upload certificate"])
        page = admin.press("Add", files={"certificate": content}, description="kept")

        assert (admin.status, complaint in page.text) == (400, True)
        assert dict(page.form("Add").fields)["description"] == "kept"
        assert admin.probe.emulator.directory.credentials.list_certificates(app_id) == []


@pytest.mark.parametrize(
    ("scenario", "typed", "issuer", "subject"),
    [
        (
            "GitHub Actions deploying Azure resources",
            {"organization": "o", "repository": "r", "entity": "branch", "entity_name": "main"},
            "https://token.actions.githubusercontent.com",
            "repo:o/r:ref:refs/heads/main",
        ),
        (
            "GitHub Actions deploying Azure resources",
            {"organization": "o", "repository": "r", "entity": "pull_request"},
            "https://token.actions.githubusercontent.com",
            "repo:o/r:pull_request",
        ),
        (
            "Kubernetes accessing Azure resources",
            {"issuer": "https://k8s.example/", "namespace": "jobs", "account": "sync"},
            "https://k8s.example/",
            "system:serviceaccount:jobs:sync",
        ),
        (
            "Other issuer",
            {"issuer": "https://idp.example/", "subject": "job 7"},
            "https://idp.example/",
            "job 7",
        ),
    ],
)
def test_federated(
    admin: Visitor, scenario: str, typed: dict[str, str], issuer: str, subject: str
) -> None:
    """Each scenario asks for its own words, and trusts the subject that its tokens have."""
    with at_credentials(admin, "Trusting", "/federated") as app_id:
        admin.open(admin.page.links["Add credential"])
        admin.open(admin.page.links[scenario])
        page = admin.press("Add", typed, name="trusted")

        assert "The federated credential trusted was added." in page.text
        (found,) = admin.probe.emulator.directory.credentials.list_federated(app_id)
        assert (found.issuer, found.subject) == (issuer, subject)
        assert found.audience == "api://AzureADTokenExchange"
        admin.open(next(a for w, a in page.links.items() if w.startswith("Delete")))
        admin.press("Delete")
        assert admin.probe.emulator.directory.credentials.list_federated(app_id) == []


def test_federated_refused(admin: Visitor) -> None:
    """What is missing is said at its field; a limit of the service's at the name."""
    with at_credentials(admin, "Distrusting", "/federated"):
        admin.open(admin.page.links["Add credential"])
        page = admin.press("Add", organization="o", entity="tag")
        wrong = {key for key in page.ids if key.endswith("-error")}
        assert (admin.status, wrong) == (
            400,
            {"repository-error", "entity_name-error", "name-error"},
        )

        page = admin.press("Add", name="x", repository="r", entity_name="v1")
        assert "is no name for a federated credential" in page.ids["name-error"]
        assert dict(page.form("Add").fields)["organization"] == "o"


def test_gone(admin: Visitor) -> None:
    """A credential that is not there any more is a page that says so."""
    with at_credentials(admin, "Gone"):
        for kind in ("secrets", "certificates", "federated"):
            admin.open(f"{admin.url.partition('/credentials')[0]}/credentials/{kind}/x/delete")
            assert (admin.status, "There is no such credential" in admin.page.text) == (404, True)
