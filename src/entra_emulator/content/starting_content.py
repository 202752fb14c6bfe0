"""What a new directory is filled with: the tenant of a tenant file, or a drawn one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from entra_emulator.content.seed import Progress, Sizes, seed_directory
from entra_emulator.content.tenant_file.description import TenantDescription, TenantFileError
from entra_emulator.content.tenant_file.fill import derive_app_id, fill_described
from entra_emulator.content.tenant_file.read import read_tenant_file
from entra_emulator.directory.directory import Directory
from entra_emulator.model.records import Tenant

# The name under which the directory keeps the digest of the file that it was made of.
_DESCRIBED = "tenant_file"


class StartingContent(NamedTuple):
    """
    What to fill a directory with.

    Args:
        sizes, seed: what is drawn.
        description: what is made instead, if there is a tenant file.
        progress: called while drawing.
        recorded: fills it as a recording shows it, if there is one.
    """

    sizes: Sizes
    seed: int
    description: TenantDescription | None
    progress: Progress
    recorded: Callable[[Directory], object] | None = None

    @property
    def key(self) -> object:
        """The same for contents that fill directories alike."""
        described = self.description.digest if self.description else None
        return self.sizes, self.seed, described, self.recorded

    def fill(self, directory: Directory) -> None:
        """Fill an empty directory."""
        if self.description is not None:
            fill_described(directory, self.description, progress=self.progress)
            digest = self.description.digest
            directory.setting(_DESCRIBED, lambda: digest)
            return
        if self.recorded is not None:
            self.recorded(directory)
            return
        seed_directory(directory, **self.sizes._asdict(), seed=self.seed, progress=self.progress)

    def list_secrets(
        self, directory: Directory, tenant: Tenant
    ) -> Iterator[tuple[str, str, str, str]]:
        """
        Name, client ID, secret and the secret's ID of each described application with a `secret`.

        Only while the directory has it.
        """
        for entry in self.description.applications if self.description else ():
            secret, client_id = entry.values.get("secret"), derive_app_id(tenant, entry)
            if secret is None:
                continue
            held = directory.credentials.find_password(client_id, secret)
            # Whoever uses the tenant may have removed it.
            if held is not None:
                yield entry.values["displayName"], client_id, secret, held.key_id

    def check(self, directory: Directory, data: Path | None) -> None:
        """
        Make sure that the tenant is the one that the tenant file describes.

        Raises:
            TenantFileError: it is another, in the folder `data`.
        """
        if self.description is None:
            return
        if directory.setting(_DESCRIBED, lambda: b"") != self.description.digest:
            raise TenantFileError(
                f"the tenant in {data} was not made of {self.description.path} as it is at "
                "present. Remove the folder, or name another with --data."
            )


def read_content(
    tenant_file: Path | None, sizes: Sizes, seed: int, progress: Progress
) -> StartingContent:
    """
    What a directory is to be filled with.

    Raises:
        TenantFileError: the tenant file cannot be followed.
        OSError: it cannot be read.
    """
    description = None if tenant_file is None else read_tenant_file(tenant_file)
    return StartingContent(sizes, seed, description, progress)
