"""The tenants of a daemon: those whose settings can be used, and those whose cannot."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from graphdaemon.daemon.events import Tell, make_event
from graphdaemon.daemon.options import DaemonOptions, DaemonState
from graphdaemon.daemon.reason import describe_error
from graphdaemon.daemon.tenant_graph import TenantGraph, find_key
from graphdaemon.errors import SettingsError
from graphdaemon.settings.tenants import TenantFile


class SickFile(NamedTuple):
    """
    A settings file that cannot be used.

    Attributes:
        file: The file.
        read: When it was last read, in steady seconds.
        error: Why it cannot be used.
        failures: How often that was found, one time after the other.
    """

    file: TenantFile
    read: float
    error: SettingsError
    failures: int = 1


class Tenants:
    """
    The tenants whose settings were read, and are read again.

    Args:
        options: How the daemon works.
        state: How it is; its files are those of the tenants.
        tell: Is told every event.
        retire: Closes a connection to Graph whose settings hold no longer, once it is not used.

    Attributes:
        graphs: The connections to Graph, by what the leases call the tenants.
        sick: The files that cannot be used, by their names.
    """

    def __init__(
        self,
        options: DaemonOptions,
        state: DaemonState,
        tell: Tell,
        retire: Callable[[TenantGraph], None],
    ) -> None:
        self._options = options
        self._state = state
        self._tell = tell
        self._retire = retire
        self.graphs: dict[str, TenantGraph] = {}
        self.sick: dict[str, SickFile] = {}

    def read(self) -> None:
        """
        Read all settings for the first time.

        Raises:
            SettingsError: There are none, or the only ones cannot be used.
        """
        files = self._options.files.read()
        if len(files) == 1 and isinstance(files[0].settings, SettingsError):
            raise files[0].settings
        self._take(files)

    def read_again(self) -> set[str]:
        """
        Read all settings again; where they cannot be used, those from before stay.

        Returns:
            The tenants that are gone.
        """
        known = {file.name: file for file in self._state.files}
        before = self.graphs
        try:
            files = self._options.files.read()
        except SettingsError as error:
            self._tell(make_event("reload_failed", name="", **describe_error(error)))
            return set()
        self._take([self._choose(file, known.get(file.name)) for file in files])
        names = {file.name for file in files}
        self._tell(
            make_event(
                "reloaded",
                tenants=len(names),
                added=len(names - known.keys()),
                removed=len(known.keys() - names),
                changed=_count_changed(before.values(), self.graphs.values()),
            )
        )
        self.tell_sick()
        return set(before) - set(self.graphs)

    def find(self, key: str) -> TenantGraph:
        """Return a tenant; if its credentials were refused, with what its file says now."""
        graph = self.graphs[key]
        if not graph.is_refused:
            return graph
        place, known = self._find(graph.name)
        file = self._choose(self._options.files.read_again(known), known)
        settings = file.settings
        # Another tenant in the same file is a change that somebody has to ask for.
        if isinstance(settings, SettingsError) or find_key(file.name, settings) != key:
            return graph
        self._state.files[place] = file
        self.graphs[key] = self._make_graph(file)
        self._retire(graph)
        return self.graphs[key]

    def look_at_sick(self) -> bool:
        """Read again, once in an interval, what could not be used; say whether anything was."""
        steady = self._options.clock.steady()
        due = [one for one in self.sick.values() if steady - one.read >= self._options.every]
        for sick in due:
            self._look_at(sick, steady)
        return bool(due)

    def tell_sick(self) -> None:
        """Tell of every file that cannot be used."""
        for sick in self.sick.values():
            self._tell_sick(sick)

    def close(self) -> None:
        """Close every connection."""
        for graph in self.graphs.values():
            graph.close()

    def _take(self, files: Iterable[TenantFile]) -> None:
        """Make the settings of each file those of its tenant, in place of all before."""
        before, self.graphs, self.sick, self._state.files = self.graphs, {}, {}, []
        for file in files:
            self._add(file)
        for graph in before.values():
            self._retire(graph)

    def _add(self, file: TenantFile) -> None:
        used = self._refuse_twin(file)
        self._state.files.append(used)
        if isinstance(used.settings, SettingsError):
            steady = self._options.clock.steady()
            self.sick[used.name] = SickFile(used, steady, used.settings)
        else:
            graph = self._make_graph(used)
            self.graphs[graph.key] = graph

    def _refuse_twin(self, file: TenantFile) -> TenantFile:
        """Return a file, or one that is refused if another one is of the same tenant."""
        if isinstance(file.settings, SettingsError):
            return file
        other = self.graphs.get(find_key(file.name, file.settings))
        if other is None:
            return file
        error = SettingsError(
            f"the settings {other.name} and {file.name} are of one tenant",
            code="tenant_repeated",
            hint="Keep one of the two files.",
        )
        return file._replace(settings=error)

    def _make_graph(self, file: TenantFile) -> TenantGraph:
        assert not isinstance(file.settings, SettingsError), "broken files are sorted out"
        return TenantGraph(file.name, file.settings, self._options)

    def _choose(self, file: TenantFile, known: TenantFile | None) -> TenantFile:
        """Return the file, or what it said before if it cannot be used now."""
        error = file.settings
        if not isinstance(error, SettingsError):
            return file
        if known is None or isinstance(known.settings, SettingsError):
            return file
        self._tell(make_event("reload_failed", name=file.name, **describe_error(error)))
        return known

    def _look_at(self, sick: SickFile, steady: float) -> None:
        place, known = self._find(sick.file.name)
        file = self._refuse_twin(self._options.files.read_again(known))
        self._state.files[place] = file
        if not isinstance(file.settings, SettingsError):
            del self.sick[sick.file.name]
            graph = self._make_graph(file)
            self.graphs[graph.key] = graph
            self._tell(make_event("settings_mended", name=graph.name))
            return
        again = SickFile(file, steady, file.settings, sick.failures + 1)
        self.sick[sick.file.name] = again
        if str(again.error) != str(sick.error):
            self._tell_sick(again)

    def _find(self, name: str) -> tuple[int, TenantFile]:
        files = self._state.files
        place = next(number for number, file in enumerate(files) if file.name == name)
        return place, files[place]

    def _tell_sick(self, sick: SickFile) -> None:
        fields = describe_error(sick.error)
        self._tell(make_event("settings_failed", name=sick.file.name, **fields))


def _count_changed(before: Iterable[TenantGraph], after: Iterable[TenantGraph]) -> int:
    known = {graph.name: graph.settings for graph in before}
    return sum(graph.name in known and known[graph.name] != graph.settings for graph in after)
