"""An app that is registered in the emulator, and what its administrator would note down."""

from dataclasses import dataclass

from entra_emulator import Emulator


@dataclass(frozen=True)
class App:
    """A registered app: what its administrator would have noted down."""

    client_id: str
    secret: str
    secret_id: str
    pem: str
    thumbprint: str


def register(
    emulator: Emulator,
    key_pair: tuple[str, bytes],
    *,
    consent: bool = True,
    roles: tuple[str, ...] = ("User.Read.All",),
) -> App:
    """Register an app with a secret, a certificate and application permissions."""
    pem, der = key_pair
    app = emulator.add_application("Daemon-console", roles, consent=consent)
    certificate = emulator.directory.credentials.add_certificate(
        emulator.tenant, app.client_id, der
    )
    return App(app.client_id, app.secret, app.secret_id, pem, certificate.thumbprint)
