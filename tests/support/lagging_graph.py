"""A pretended Graph whose replicas lag: each way of asking may be answered by another one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from graphdaemon.http.response import Response
from tests.support import virtual_time
from tests.support.pretend_graph import Change, PretendGraph, Record

Route = Literal["list", "filter", "id in", "id in filter"]


@dataclass
class LaggingGraph(PretendGraph):
    """
    A directory that changes, and replicas that hear of it later.

    No replica knows less than what the delta link before the first page stands for: what is older
    is told by no delta, and so could be kept back from everybody. A count with a filter lags behind
    by as many changes as one without, `Lies.lag`, as far as they came after that link.

    Args:
        behind: By route, how many seconds the replica is behind that answers: whole lists, lists
            with a filter, filters that name IDs, and those that name them within another filter.
    """

    behind: dict[Route, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._versions: list[tuple[float, dict[str, Record]]] = []
        self._told_from = 0
        super().__post_init__()

    def changes_told(self) -> list[Change]:
        """What the delta has told, or will tell, since it was asked first."""
        return self._changes[self._told_from :]

    def _note(self, key: str, names: set[str] | None) -> None:
        super()._note(key, names)
        if self._versions:
            self._versions.append((virtual_time.now(), dict(self.directory)))

    def _serve_delta(self, options: dict[str, str]) -> Response:
        if options.get("$deltatoken") == "latest":
            # Asked again where the answer was lost: only the last link tells what it tells.
            self._told_from = len(self._changes)
            self._versions = [(virtual_time.now(), dict(self.directory))]
        return super()._serve_delta(options)

    def _serve_list(self, options: dict[str, str]) -> Response:
        present = self.directory
        self.directory = self._as_it_was(self.behind.get(self._route(options), 0))
        try:
            return super()._serve_list(options)
        finally:
            self.directory = present
            self.at_last_list = dict(present)

    def _serve_count(self, options: dict[str, str]) -> Response:
        present, told = self.directory, self._versions[-1 - self.lies.lag :]
        if options.get("$filter") and told:
            self.directory = told[0][1]
        try:
            return super()._serve_count(options)
        finally:
            self.directory = present

    def _route(self, options: dict[str, str]) -> Route:
        token = options.get("$skiptoken")
        condition = (
            options.get("$filter", "") if token is None else self._positions[int(token)].condition
        )
        if "id in (" in condition:
            return "id in" if condition.startswith("id in (") else "id in filter"
        return "filter" if condition else "list"

    def _as_it_was(self, seconds: float) -> dict[str, Record]:
        moment = virtual_time.now() - seconds
        versions = [one for at, one in self._versions[1:] if at <= moment]
        oldest = [one for _, one in self._versions[:1]] or [self.directory]
        return dict([*oldest, *versions][-1])
