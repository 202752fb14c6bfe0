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
    directory, tenant = emulator.directory, emulator.tenant
    application = directory.applications.register(tenant, "Daemon-console")
    password = directory.credentials.add_password(tenant, application.app_id)
    certificate = directory.credentials.add_certificate(tenant, application.app_id, der)
    assert password.secret_text is not None
    for role in roles:
        directory.applications.add_application_permission(tenant, application.app_id, role)
    if consent:
        directory.consents.grant_admin_consent(tenant, application.app_id)
    return App(
        application.app_id,
        password.secret_text,
        password.key_id,
        pem,
        certificate.thumbprint,
    )
