"""`graphdaemon doctor --tenants`: several tenants are examined at a time."""

import queue
from collections.abc import Iterator, Sequence

from graphdaemon.cli.tenants.each import AT_A_TIME
from graphdaemon.diagnosis.permissions import Call
from graphdaemon.doctor import examine
from graphdaemon.doctor.finding import Result
from graphdaemon.doctor.state import Examination
from graphdaemon.errors import SettingsError
from graphdaemon.http.threads import SHARED
from graphdaemon.settings.model import Settings
from graphdaemon.settings.tenants import TenantFile

_Outcome = list[Result] | Exception


def examine_tenants(
    files: Sequence[TenantFile], calls: tuple[Call, ...]
) -> Iterator[tuple[str, list[Result]]]:
    """
    Yield each tenant's name and the results of its checks, in the order of the files.

    A tenant whose hosts do not answer holds up no other one's checks.
    """
    waiting: queue.SimpleQueue[tuple[int, TenantFile]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, _Outcome]] = queue.SimpleQueue()
    for entry in enumerate(files):
        waiting.put(entry)

    def work() -> None:
        while True:
            try:
                number, file = waiting.get_nowait()
            except queue.Empty:
                return
            done.put((number, _attempt(file, calls)))

    for _ in range(min(AT_A_TIME, len(files))):
        SHARED.start(work)
    outcomes: dict[int, _Outcome] = {}
    for number, file in enumerate(files):
        while number not in outcomes:
            outcomes.update([done.get()])
        outcome = outcomes.pop(number)
        if isinstance(outcome, Exception):
            raise outcome
        yield file.name, outcome


def _attempt(file: TenantFile, calls: tuple[Call, ...]) -> _Outcome:
    """Return what the checks gave; a bug in one of them is raised where somebody waits for it."""
    examination = Examination(lambda: _read(file), calls=calls)
    try:
        return list(examine(examination))
    except Exception as error:  # noqa: BLE001  it is raised in the thread that waits
        return error
    finally:
        examination.close()


def _read(file: TenantFile) -> Settings:
    if isinstance(file.settings, SettingsError):
        raise file.settings
    return file.settings
