"""`graphdaemon certificate`: make or replace the key pair that proves the app's identity."""

from pathlib import Path

import click

from graphdaemon.auth.key_files import LONGEST_NAME, KeyPair, make_key_pair, read_key_pair
from graphdaemon.cli import options, terminal
from graphdaemon.cli.command import StrictGroup
from graphdaemon.cli.named_files import FileName, load_settings
from graphdaemon.diagnosis.file_errors import advise
from graphdaemon.errors import OutputError
from graphdaemon.http.transport import Transport
from graphdaemon.settings.setting import Secret
from graphdaemon.sharing.private_files import create_file


@click.group(cls=StrictGroup)
def certificate() -> None:
    """Make or rotate the app's certificate."""


def _check_name(_: click.Context, __: click.Parameter, name: str) -> str:
    if not 0 < len(name.encode(errors="replace")) <= LONGEST_NAME or not name.isprintable():
        raise click.BadParameter(
            f"a certificate's name has from 1 to {LONGEST_NAME} bytes, none of them a control "
            "character."
        )
    return name


_DAYS = click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3650))
_NAME = click.option(
    "--name",
    default="graphdaemon",
    show_default=True,
    callback=_check_name,
    help="The name in the certificate's subject.",
)


@certificate.command()
@click.option(
    "--out",
    default="graphdaemon.pem",
    show_default=True,
    type=FileName(written=True, beside=(".crt",), dir_okay=False),
    help="The file for the key with its certificate. The certificate alone is written beside it, "
    "as .crt.",
)
@_DAYS
@_NAME
def new(*, out: Path, days: int, name: str) -> None:
    """Create a key and a self-signed certificate, and say where to upload it."""
    public = out.with_suffix(".crt")
    # Both are looked at before either is written, so that no key is left without its certificate.
    for path in (out, public):
        if path.exists():
            raise click.UsageError(f"{path} exists already. Try another --out.")
    pem, _ = make_key_pair(name, days=days)
    _write(out, pem, 0o600)
    try:
        _write(public, pem[pem.index("-----BEGIN CERTIFICATE") :], 0o666)
    except (click.UsageError, OutputError):
        out.unlink()  # it was made just now
        raise
    _show(read_key_pair(out))
    terminal.say(
        f"Upload {public} under App registrations > your app > Certificates & secrets > "
        f"Certificates, and set private_key_file to {out}."
    )


@certificate.command()
@options.settings_argument
@_DAYS
@_NAME
@click.option(
    "--object-id", help="The object ID of the app, if the app may not read its registration."
)
@click.option(
    "--verbose", "-v", count=True, help="Report each step; give the option twice to see everything."
)
def rotate(
    *, parameters: Path | None, days: int, name: str, object_id: str | None, verbose: int
) -> None:
    """
    Replace the app's certificate while everything runs.

    It creates a new key pair and adds it to the app. The old key vouches for the new one, so no
    permission is needed. When the identity platform accepts the new key, it replaces the
    private_key_file of the settings, and removes the old key. If it is interrupted, run it again:
    it continues.
    """
    # Making a certificate needs nothing that talks to the identity platform.
    from graphdaemon.cli.interrupt import advising
    from graphdaemon.registration.rotation import Rotation

    terminal.configure_log(verbose)
    settings = load_settings(parameters, replaced=("private_key_file",))
    transport = Transport(ca_file=settings.ca_file, timeout=settings.timeout)

    def make(passphrase: Secret | None) -> str:
        return make_key_pair(name, days=days, passphrase=passphrase)[0]

    try:
        rotation = Rotation(settings, transport, object_id=object_id, make=make, say=terminal.say)
        with advising("Run it again: it continues."):
            rotation.run()
    finally:
        transport.close()
    _show(rotation.read_current())


def _show(pair: KeyPair) -> None:
    terminal.print_line(f"SHA-1    {pair.certificate.thumbprint}")
    terminal.print_line(f"SHA-256  {pair.certificate.thumbprint_sha256}")


def _write(path: Path, text: str, mode: int) -> None:
    try:
        create_file(path, text.encode("ascii"), mode=mode)
    except FileExistsError:
        raise click.UsageError(f"{path} exists already. Try another --out.") from None
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror}",
            code="output_failed",
            hint=advise(error.errno, "name another folder with --out"),
        ) from None
