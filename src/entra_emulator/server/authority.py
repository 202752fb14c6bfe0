"""The certificate authority of a data folder, which clients of the emulator trust."""

from pathlib import Path

import trustme

from entra_emulator.private_files import write_file

# The key's first line. Readers of PEM pass over it, and a key that stands alone is known by it.
_MARK = b"graphdaemon emulator: the key of ca.pem\n"


def open_authority(data: Path) -> tuple[trustme.CA, Path]:
    """
    The folder's certificate authority, made on first use, and the file for clients to trust.

    Raises:
        ValueError: its files are not those of an authority of the emulator.
    """
    path, key_path = data / "ca.pem", data / "ca-key.pem"
    # Clients trust the file: a new authority at each start would break all of them.
    if path.exists() and key_path.exists():
        try:
            return trustme.CA.from_pem(path.read_bytes(), key_path.read_bytes()), path
        except ValueError:
            raise ValueError(
                f"{path} and {key_path.name} are no certificate and key. Move them away, or name "
                "another folder with --data."
            ) from None
    if path.exists():
        raise ValueError(
            f"{path} is there without {key_path.name}, so that another program has written it. "
            "Move it away, or name another folder with --data."
        )
    if key_path.exists() and not key_path.read_bytes().startswith(_MARK):
        raise ValueError(
            f"{key_path} was not written by the emulator, and was left as it is. Move it away, or "
            "name another folder with --data."
        )
    authority = trustme.CA(organization_name="graphdaemon emulator")
    # The key first: a start that is broken off between the two leaves no certificate to trust.
    write_file(key_path, _MARK + authority.private_key_pem.bytes())
    write_file(path, authority.cert_pem.bytes(), mode=0o644)
    return authority, path
