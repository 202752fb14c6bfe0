"""The files of certificates that a program is given."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import struct
import subprocess
from pathlib import Path

import pytest
import trustme

from entra_emulator.exec.trust import make_java_store, write_trust_files

OURS, COMPANYS, NODES = (trustme.CA().cert_pem.bytes() for _ in range(3))


def list_ders(path: Path) -> list[bytes]:
    context = ssl.create_default_context(cafile=path)
    return context.get_ca_certs(binary_form=True)


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "company.pem").write_bytes(b"a company's\n" + COMPANYS + b"\xff\xfe\n")
    (tmp_path / "node.pem").write_bytes(NODES)
    return {
        "SSL_CERT_FILE": str(tmp_path / "company.pem"),
        "REQUESTS_CA_BUNDLE": str(tmp_path / "absent.pem"),
        "NODE_EXTRA_CA_CERTS": str(tmp_path / "node.pem"),
    }


def test_what_a_program_trusts_it_goes_on_trusting(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    """An allowed service of this machine may have a company's certificate."""
    files = write_trust_files(tmp_path, OURS, variables)

    bundle = list_ders(files.bundle)
    assert {ssl.PEM_cert_to_DER_cert(pem.decode()) for pem in (OURS, COMPANYS)} <= set(bundle)
    assert len(set(bundle)) == len(bundle)
    assert files.additions.read_bytes() == OURS + NODES


def test_a_java_store_has_the_same_certificates(tmp_path: Path) -> None:
    """Its digest is right, as Java checks when it is given the password."""
    store = make_java_store((OURS + COMPANYS).decode())

    assert struct.unpack_from(">IIi", store) == (0xFEEDFEED, 2, 2)
    for pem in (OURS, COMPANYS):
        assert ssl.PEM_cert_to_DER_cert(pem.decode()) in store
    salted = "changeit".encode("utf-16-be") + b"Mighty Aphrodite" + store[:-20]
    assert hashlib.sha1(salted, usedforsecurity=False).digest() == store[-20:]


def test_java_reads_its_store(tmp_path: Path) -> None:
    if shutil.which("keytool") is None:
        pytest.skip("Java is not installed")
    path = tmp_path / "store"
    path.write_bytes(make_java_store((OURS + COMPANYS).decode()))
    done = subprocess.run(
        ["keytool", "-list", "-keystore", path, "-storepass", "changeit"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.count("trustedCertEntry") == 2, done.stdout
