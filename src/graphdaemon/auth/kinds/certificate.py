"""A certificate with its private key in a file. The key signs, and is never sent."""

from graphdaemon.auth.client_credential import ClientCredential, make_signing_credential
from graphdaemon.auth.key_files import read_key_pair
from graphdaemon.auth.kinds.secret import read_value
from graphdaemon.errors import SettingsError
from graphdaemon.settings.credentials import CredentialSettings
from graphdaemon.settings.file_content import warn_if_readable
from graphdaemon.settings.model import Settings
from graphdaemon.settings.setting import Secret


def read(settings: Settings, credential: CredentialSettings) -> ClientCredential:
    """Read the key and its certificate, and check that they belong together."""
    assert credential.private_key_file is not None, "settings hold a key file"
    pair = read_key_pair(
        credential.private_key_file,
        credential.thumbprint,
        certificate_file=credential.certificate_file,
        passphrase=read_passphrase(credential),
    )
    warn_if_readable(credential.private_key_file, "holds a private key")
    return make_signing_credential(settings, credential, pair.certificate, pair.sign)


def read_passphrase(credential: CredentialSettings) -> Secret | None:
    """
    Return what the key file is encrypted with, if anything.

    Raises:
        SettingsError: `passphrase_file` is empty or cannot be read.
    """
    if credential.passphrase_file is None:
        return credential.passphrase
    # Blanks at its ends may be meant, and a line break, which editors append, is not.
    value = read_value(credential.passphrase_file, "passphrase_file").strip("\r\n")
    if not value:
        raise SettingsError(
            f"passphrase_file {credential.passphrase_file} is empty",
            code="secret_unreadable",
            hint="The file must contain only the passphrase.",
        )
    return Secret(value)
