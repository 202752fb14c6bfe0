"""One tenant for all tests of a module; each finds it as new."""

from collections.abc import Iterator

import pytest

from tests.support.protected_api_scene import Scene, staging


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with staging(tmp_path_factory.mktemp("tenant")) as scene:
        yield scene


@pytest.fixture
def scene(stage: Scene) -> Scene:
    stage.reset()
    return stage
