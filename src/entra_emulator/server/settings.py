"""The settings of an emulator, from the command line to the routes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from entra_emulator.clock import Clock
from entra_emulator.content.seed import Progress
from entra_emulator.faults.throttle import Throttle
from entra_emulator.web.context import DeltaSettings

# The years whose rules there are.
RULES = (2024, 2026)


@dataclass(frozen=True, kw_only=True)
class EmulatorSettings:
    """
    The settings of an emulator. `Emulator` accepts each of them as a keyword argument too.

    Args:
        users: how many users to create if the data folder is new; by default 250.
        groups: how many groups; by default one for every twenty users, and at least five.
        devices: how many devices; by default one for every five users.
        seed: the number from which the tenant is invented; the same seed creates the same tenant.
        tenant_file: a TOML file that describes the tenant (tenant-file.md). It then determines
            users, groups, devices and seed.
        permissions: the app roles of Microsoft Graph that `Emulator.application` gets.
        host: the address to listen on; by default 127.0.0.1.
        port: the port; by default 0, which takes any free one.
        data: the folder for directory, keys and certificate authority; by default a temporary one
            that is deleted with the emulator.
        clock: the clock of the emulator; by default the machine's time, which can be moved and
            stopped.
        token_lifetime: for how many seconds access tokens are valid, except for those of managed
            identities, which are valid for a day; by default 60 to 90 minutes at random, and a day
            for clients that handle claims challenges.
        hostnames: further host names for which the emulator answers, and which its certificate
            contains.
        page_token_age: after how many seconds a next link expires; by default a day.
        strict_filter: refuse `ge` and `le` on strings. The current documentation does not list
            them, but public programs have long used them.
        rules: 2026, or 2024 for the earlier rules: identifier URIs need not be unique to the
            tenant, and a client without a service principal is answered as an unknown one.
        federation_ca: a PEM file with the only authorities that are trusted for foreign token
            issuers; by default the system's.
        managed_identity: serve the endpoints of a simulated machine with managed identities, over
            plain http. Their addresses are `imds_url`, for `AZURE_POD_IDENTITY_AUTHORITY_HOST`, and
            `identity_endpoint` with `identity_header`.
        in_memory: keep the directory in memory, where it is created faster and lost at the end; not
            together with `data`.
        in_process: do not listen: programs reach the emulator through its transports
            (test-your-program.md), by Microsoft's own host names. The directory is in memory unless
            `data` is given.
        machine: the address and the port of the endpoints for managed identities; by default any
            free port.
        control: serve the control API below `/_emulator/` to programs on this machine.
        device_interval: how many seconds devices should wait between two polls; by default five.
        delta: how delta queries are divided into pages, and how long their links are valid.
        throttle: refuse applications that exceed Graph's documented limits.
        throttle_size: the size of every tenant, "S", "M" or "L"; by default it depends on the
            number of users.
        throttle_scale: a factor for the documented limits; with 0.01 they are soon reached.
        report: keep what a report on the calling program needs; `Emulator.report` makes the report.
        record: a file to which every exchange is written, without secrets and names.
        recording: a recording from which to create the tenant, as far as it shows one.
        progress: is called while the tenant is created, with the number of objects so far and in
            all.
    """

    users: int = 250
    groups: int | None = None
    devices: int | None = None
    seed: int = 0
    tenant_file: Path | None = None
    permissions: Sequence[str] = ("User.Read.All",)
    host: str = "127.0.0.1"
    port: int = 0
    data: Path | None = None
    clock: Clock = field(default_factory=Clock)
    token_lifetime: int | None = None
    hostnames: tuple[str, ...] = ()
    # How long Graph's links live is not published; users report minutes, and Microsoft answers that
    # there is no fixed time (msgraph-sdk-javascript#1463). Nobody who debugs should run into it.
    page_token_age: float = 86_400
    strict_filter: bool = False
    rules: int = 2026
    federation_ca: Path | None = None
    managed_identity: bool = False
    in_memory: bool = False
    in_process: bool = False
    machine: tuple[str, int] = ("127.0.0.1", 0)
    control: bool = False
    # The real token service says five (recorded 2021-2025).
    device_interval: int = 5
    delta: DeltaSettings = field(default_factory=DeltaSettings)
    throttle: bool = True
    throttle_size: str | None = None
    throttle_scale: float = 1.0
    report: bool = False
    record: Path | None = None
    recording: Path | None = None
    progress: Progress = lambda *_: None

    def __post_init__(self) -> None:
        if self.rules not in RULES:
            raise ValueError(f"rules is one of {', '.join(map(str, RULES))}, not {self.rules!r}")
        # `Emulator` hands on what it is called with, of any type: None takes the default here too.
        for name, make in (("clock", Clock), ("delta", DeltaSettings)):
            if getattr(self, name) is None:
                object.__setattr__(self, name, make())
        if self.in_memory and self.data is not None:
            raise ValueError(f"a directory in memory has no folder: leave out data={self.data}")
        # Programs without types name files by text.
        for name in ("tenant_file", "data", "federation_ca", "record", "recording"):
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, Path(value))


def make_throttle(settings: EmulatorSettings) -> Throttle:
    """The limits that the settings say, by their clock."""
    return Throttle(
        settings.clock,
        enabled=settings.throttle,
        size=settings.throttle_size,
        scale=settings.throttle_scale,
    )
