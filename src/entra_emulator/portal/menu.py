"""The menus, gathered from what the modules in pages/ declare."""

from typing import Literal, NamedTuple

from entra_emulator.portal.routes import load_pages


class MenuItem(NamedTuple):
    """
    A line of a menu.

    Args:
        menu: which of the two: that of the tenant, or that of an application.
        position: where it stands; the order is that of the Microsoft Entra admin center.
        section: what a template sets as its `section` to be marked as the current one.
        label: the key of its text.
        path: its address below the tenant, or below the application.
        group: the key of the heading it stands under; without one it stands first.
    """

    menu: Literal["tenant", "application"]
    position: int
    section: str
    label: str
    path: tuple[str, ...] = ()
    group: str = ""


def make_menus() -> dict[str, list[MenuItem]]:
    """The items of each menu in their order."""
    menus: dict[str, list[MenuItem]] = {"tenant": [], "application": []}
    items = [item for page in load_pages() for item in getattr(page, "MENU", ())]
    for item in sorted(items, key=lambda item: item.position):
        menus[item.menu].append(item)
    return menus
