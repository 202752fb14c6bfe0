import re
from pkgutil import iter_modules

from starlette.routing import Match

from entra_emulator.portal import pages
from entra_emulator.portal.routes import list_routes, load_pages, make_menus
from entra_emulator.portal.serve import make_router


def test_every_page_is_gathered() -> None:
    """Each module of pages/ has routes, and no route stands twice."""
    assert [page.__name__.rpartition(".")[2] for page in load_pages()] == [
        module.name for module in iter_modules(pages.__path__)
    ]
    assert {route.answer.__module__ for route in list_routes()} == {
        page.__name__ for page in load_pages()
    }
    rows = [(route.method, route.path) for route in list_routes()]
    assert len(rows) == len(set(rows))


def test_a_fixed_part_goes_before_a_parameter() -> None:
    """Each address is answered by the route that was declared for it."""
    router = make_router()
    for route in list_routes():
        address = re.sub(r"{(\w+)}", r"some-\1", route.path)
        scope = {"type": "http", "method": route.method, "path": address, "root_path": ""}
        first = next(r for r in router.routes if r.matches(scope)[0] is Match.FULL)
        assert getattr(first, "path", "") == route.path


def test_menus() -> None:
    """The menus have the order of the Microsoft Entra admin center."""
    menus = {name: [item.section for item in items] for name, items in make_menus().items()}
    assert menus == {
        "tenant": ["home", "users", "groups", "applications", "audit", "faults"],
        "application": [
            "overview",
            "quickstart",
            "branding",
            "credentials",
            "permissions",
            "exposure",
            "roles",
            "manifest",
        ],
    }
