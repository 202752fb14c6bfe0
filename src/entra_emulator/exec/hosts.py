"""The hosts of Microsoft that lead to the emulator."""

from entra_emulator.in_process.service_names import SERVICE_NAMES


def list_hosts() -> tuple[str, ...]:
    """The names of the token service, of Graph in every cloud, and of Azure Resource Manager."""
    return SERVICE_NAMES
