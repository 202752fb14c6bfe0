"""The menus: what there is, in the order of the Microsoft Entra admin center."""

from typing import NamedTuple


class Item(NamedTuple):
    """
    A line of a menu.

    Args:
        section: what a page calls itself by to be marked as the current one.
        label: the key of its text.
        path: its address below the tenant, or below the application.
        group: the key of the heading it stands under; without one it stands first.
    """

    section: str
    label: str
    path: tuple[str, ...] = ()
    group: str = ""


TENANT_MENU = (
    Item("home", "menu.home"),
    Item("users", "user.title", ("users",)),
    Item("groups", "group.title", ("groups",)),
    Item("applications", "menu.applications", ("applications",)),
    Item("audit", "audit.title", ("audit",), "menu.watch"),
    Item("trouble", "trouble.title", ("trouble",), "menu.watch"),
)

APPLICATION_MENU = (
    Item("overview", "menu.overview"),
    Item("quickstart", "quickstart.title", ("quickstart",)),
    Item("branding", "menu.branding", ("branding",), "menu.manage"),
    Item("credentials", "menu.credentials", ("credentials",), "menu.manage"),
    Item("permissions", "permission.title", ("permissions",), "menu.manage"),
    Item("exposure", "exposure.title", ("exposure",), "menu.manage"),
    Item("roles", "approle.title", ("roles",), "menu.manage"),
    Item("manifest", "menu.manifest", ("manifest",), "menu.manage"),
)
