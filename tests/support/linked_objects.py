"""A group with everybody in it, a group around it, and a line of managers."""

from dataclasses import dataclass

from tests.support.emulator_probe import Answer, App

CHAIN = 30


GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"


@dataclass(frozen=True)
class Scene:
    """A group with everybody in it, a group around it, and a line of managers."""

    app: App
    token: str
    users: list[str]
    inner: str
    outer: str
    device: str

    def get(self, path: str, **headers: str) -> Answer:
        return self.app.get(f"/v1.0{path}", self.token, **headers)

    def ids(self, path: str, **headers: str) -> list[str]:
        answer = self.get(path, **headers)
        assert answer.status == 200, answer.body
        return [item["id"] for item in answer.json()["value"]]


def walk(scene: Scene, path: str) -> list[str]:
    ids, link = [], path
    while link:
        page = scene.get(link.partition("/v1.0")[2] or link).json()
        ids += [item["id"] for item in page["value"]]
        link = page.get("@odata.nextLink", "")
    return ids
