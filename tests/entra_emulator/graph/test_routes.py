"""The route table is gathered from the collections."""

import subprocess
import sys
from importlib import import_module

from entra_emulator.graph.objects.relations import NAVIGATIONS
from entra_emulator.graph.routes import ROUTES
from entra_emulator.model.kinds import KINDS
from tests.support.places import ROOT

FOLDER = ROOT / "src/entra_emulator/graph/resources"


def test_every_collection_is_served() -> None:
    """A file among the collections is all that its routes need."""
    names = [path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"]
    declared = [
        endpoint
        for name in names
        for endpoint in import_module(f"entra_emulator.graph.resources.{name}").ROUTES
    ]

    assert len(names) > 10
    assert all(any(endpoint is route for route in ROUTES) for endpoint in declared)
    assert len(declared) == len(ROUTES) - 3  # the service's description, and batches


def test_every_type_is_served() -> None:
    """Every type of directory object has a collection, and says what is linked to its objects."""
    paths = {route.path for route in ROUTES}

    assert {kind for kind, _ in NAVIGATIONS} == set(KINDS)
    for kind in KINDS.values():
        assert {f"/{kind.collection}", f"/{kind.collection}/{{key}}"} <= paths


def test_a_module_alone_knows_the_navigation_properties() -> None:
    """Whoever imports one module of the package finds what every collection has entered."""
    code = "from entra_emulator.graph.delta.tracked import trackable_links as f; print(f('group'))"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert b"'members'" in answer.stdout
