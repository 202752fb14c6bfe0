"""Who a program is to the pretend tenant: its application, and the machine that it runs on."""

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import trustme

from entra_emulator.exec.environment import Identity
from entra_emulator.exec.program import Program
from entra_emulator.private_files import write_file
from entra_emulator.server.emulator import Emulator
from entra_emulator.server.emulator_application import EmulatorApplication
from entra_emulator.server.serve import DEFAULT_PERMISSION, check_permissions
from entra_emulator.server.settings import EmulatorSettings

_AUTHORITY = "https://login.microsoftonline.com"


@contextlib.contextmanager
def run_emulator(program: Program, settings: EmulatorSettings) -> Iterator[Emulator]:
    """
    An emulator for the program, with these settings.

    Raises:
        ValueError: the permissions or the file of faults cannot be followed; see `Emulator.start`.
    """
    check_permissions(program.permissions, settings)
    emulator = Emulator(settings)
    if program.faults is not None:
        emulator.faults.load(program.faults)
    with emulator:
        yield emulator


def make_identity(emulator: Emulator, program: Program, folder: Path) -> Identity:
    """
    Register the program and its machine in the tenant; a certificate's file goes into the folder.

    With a tenant file the program is the file's first application that has a secret.
    """
    tenant, application = emulator.tenant, _find_application(emulator, program)
    fields = {"tenant_id": tenant.id, "authority": f"{_AUTHORITY}/{tenant.id}"}
    fields["domain"] = tenant.domains[0]
    variables = {"AZURE_TENANT_ID": tenant.id}
    if application is not None:
        fields |= {"client_id": application.client_id, "client_secret": application.secret}
        variables |= _prove(emulator, program, application, fields, folder)
    _add_machine(emulator, program, application)
    return Identity(fields, variables if program.credential != "none" else {})


def _find_application(emulator: Emulator, program: Program) -> EmulatorApplication | None:
    if program.settings.tenant_file is not None:
        return next(iter(emulator.applications.values()), None)
    permissions = list(dict.fromkeys((DEFAULT_PERMISSION, *program.permissions)))
    return emulator.add_application("Program", permissions)


def _prove(
    emulator: Emulator,
    program: Program,
    application: EmulatorApplication,
    fields: dict[str, str],
    folder: Path,
) -> dict[str, str]:
    """The variables that prove the application's identity."""
    if program.credential == "certificate":
        path = folder / "program.pem"
        leaf = emulator.ca.issue_cert("program.invalid", key_type=trustme.KeyType.RSA)
        der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
        credentials = emulator.directory.credentials
        credentials.add_certificate(emulator.tenant, application.client_id, der)
        write_file(path, leaf.private_key_and_cert_chain_pem.bytes())
        fields["certificate_file"] = str(path)
        proof = {"AZURE_CLIENT_CERTIFICATE_PATH": str(path)}
    elif program.credential == "secret":
        proof = {"AZURE_CLIENT_SECRET": application.secret}
    else:
        return {}
    return {"AZURE_CLIENT_ID": application.client_id} | proof


def _add_machine(
    emulator: Emulator, program: Program, application: EmulatorApplication | None
) -> None:
    """Give the machine an identity of its own, with the application's permissions."""
    directory, tenant = emulator.directory, emulator.tenant
    with directory.transaction():
        machine = directory.managed_identities.add(tenant, "Machine")
        roles = (DEFAULT_PERMISSION, *program.permissions)
        if program.settings.tenant_file is not None:
            held = application and application.client_id
            roles = tuple(directory.consents.list_granted_roles(tenant, held)) if held else ()
        for role in dict.fromkeys(roles):
            directory.consents.grant_app_role(tenant, machine.app_id, role)
