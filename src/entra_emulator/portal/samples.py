"""
The quickstart's code samples as archives that run as they are downloaded.

The samples' files stand in sample/. Scripts end in `.txt` there, as they are data, not a part of
the program.
"""

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

# The name of the certificate authority's file in the archive.
CA_FILE = "ca.pem"


class Sample(NamedTuple):
    """A code sample: the name of the folder in its archive, and the file name of its program."""

    folder: str
    script: str


SAMPLES = {
    "secret": Sample("1-Call-MsGraph-WithSecret", "confidential_client_secret_sample.py"),
    "certificate": Sample(
        "2-Call-MsGraph-WithCertificate", "confidential_client_certificate_sample.py"
    ),
}


def make_archive(
    kind: str, settings: Mapping[str, Any], *, ca_pem: bytes, readme: str, moment: float
) -> bytes:
    """
    The folder of the sample of this kind, a key of SAMPLES, as a zip file.

    The settings are filled into `parameters.json`; other parameters stay as they are there. The
    sample trusts the certificate authority `ca_pem`; if that is empty, the system's. The files were
    made at `moment`, in seconds since 1970.
    """
    sample = SAMPLES[kind]
    defaults: dict[str, Any] = msgspec.json.decode(_read(kind, "parameters.json"))
    parameters = defaults | dict(settings)
    contents = {
        "README.md": readme.encode(),
        sample.script: _read(kind, f"{sample.script}.txt"),
        "requirements.txt": _read(kind, "requirements.txt"),
    }
    if ca_pem:
        parameters["ca_file"] = CA_FILE
        contents[CA_FILE] = ca_pem
    text = msgspec.json.format(msgspec.json.encode(parameters), indent=2)
    contents["parameters.json"] = text + b"\n"
    made = datetime.fromtimestamp(moment, UTC).timetuple()[:6]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(f"{sample.folder}/{name}", made)
            entry.compress_type = zipfile.ZIP_DEFLATED
            # The parameters may contain a secret, so only the user who unpacks them may read it.
            entry.external_attr = (0o600 if name == "parameters.json" else 0o644) << 16
            archive.writestr(entry, content)
    return target.getvalue()


def _read(kind: str, name: str) -> bytes:
    return (files(__package__) / "sample" / kind / name).read_bytes()
