"""A client of delta queries that applies what it is told by ID, and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.emulator_probe import Answer

Get = Callable[..., Answer]


@dataclass
class Follower:
    """What somebody knows who follows every link of one collection."""

    get: Get
    link: str
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    rounds: int = 0

    def step(self, **headers: str) -> Mapping[str, Any]:
        """One request, applied."""
        answer = self.get(self.link, **headers)
        assert answer.status == 200, answer.body
        page: dict[str, Any] = answer.json()
        for item in page["value"]:
            self._apply(item)
        assert ("@odata.nextLink" in page) != ("@odata.deltaLink" in page)
        self.rounds += "@odata.deltaLink" in page
        self.link = page.get("@odata.nextLink") or page["@odata.deltaLink"]
        return page

    def finish(self, **headers: str) -> list[dict[str, Any]]:
        """The rest of the round; what it told."""
        told, rounds = [], self.rounds
        while self.rounds == rounds:
            told += self.step(**headers)["value"]
        return told

    def _apply(self, item: Mapping[str, Any]) -> None:
        key = item["id"]
        if "@removed" in item:
            self.objects.pop(key, None)
            self.links.pop(key, None)
            return
        known, linked = self.objects.setdefault(key, {}), self.links.setdefault(key, {})
        for name, value in item.items():
            if name.endswith("@delta"):
                others = linked.setdefault(name.removesuffix("@delta"), set())
                for other in value:
                    change = others.discard if "@removed" in other else others.add
                    change(other["id"])
            elif value is None:
                known.pop(name, None)
            else:
                known[name] = value
