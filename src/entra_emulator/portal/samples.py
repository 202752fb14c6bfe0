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
    """
    A code sample.

    Args:
        folder: the name of the folder that the archive holds.
        script: the file name of its program.
    """

    folder: str
    script: str


SAMPLES = {
    "secret": Sample("1-Call-MsGraph-WithSecret", "confidential_client_secret_sample.py"),
    "certificate": Sample(
        "2-Call-MsGraph-WithCertificate", "confidential_client_certificate_sample.py"
    ),
}


def read_defaults(kind: str) -> dict[str, Any]:
    """The sample's `parameters.json` before anything is filled in."""
    settings: dict[str, Any] = msgspec.json.decode(_read(kind, "parameters.json"))
    return settings


def make_archive(
    kind: str, settings: Mapping[str, Any], *, ca_pem: bytes, readme: str, moment: float
) -> bytes:
    """
    The sample's folder as a zip file.

    Args:
        kind: a key of SAMPLES.
        settings: what to fill into `parameters.json`; other parameters stay as they are there.
        ca_pem: the certificate authority that the sample is to trust; if it is empty, the sample
            trusts the system's.
        readme: the text of `README.md`.
        moment: when the files were made, in seconds since 1970.
    """
    sample = SAMPLES[kind]
    parameters = read_defaults(kind) | dict(settings)
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
            # The parameters may hold a secret: only the user who unpacks them may read the file.
            entry.external_attr = (0o600 if name == "parameters.json" else 0o644) << 16
            archive.writestr(entry, content)
    return target.getvalue()


def _read(kind: str, name: str) -> bytes:
    return (files(__package__) / "sample" / kind / name).read_bytes()
