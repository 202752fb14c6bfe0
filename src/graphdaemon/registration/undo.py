"""Undoes a registration: the app goes to the recycle bin, the files that were written go away."""

from collections.abc import Callable

from graphdaemon.registration.actual import Found, look
from graphdaemon.registration.admin_graph import Desk
from graphdaemon.registration.change import Change
from graphdaemon.registration.desired import Wish
from graphdaemon.registration.local_files import Files


async def plan_undoing(desk: Desk, wish: Wish, *, purge: bool) -> list[Change]:
    """
    Work out what would have to go.

    Raises:
        Error: Refused, not reached, or impossible.
    """
    return _plan(await look(desk, wish), purge=purge)


async def undo(
    desk: Desk, wish: Wish, files: Files, *, purge: bool, say: Callable[[str], None]
) -> bool:
    """
    Undo it; say whether there was anything.

    Raises:
        Error: Run it again: it goes on where it stopped.
    """
    changes = await plan_undoing(desk, wish, purge=purge)
    for change in changes:
        say(change.words)
        await desk.send(change, {})
    removed = files.remove()
    for path in removed:
        say(f"Removed {path}")
    return bool(changes or removed)


def _plan(found: Found, *, purge: bool) -> list[Change]:
    changes = []
    if found.application is not None:
        # Its service principal in this tenant goes with it.
        changes.append(
            Change(
                "Move the app to the recycle bin, where it stays for thirty days",
                "DELETE",
                f"/applications/{found.application['id']}",
            )
        )
    thrown = found.application or found.deleted
    if purge and thrown is not None:
        changes.append(
            Change(
                "Delete it there for good",
                "DELETE",
                f"/directory/deletedItems/{thrown['id']}",
                right="changing_reserved",
            )
        )
    return changes
