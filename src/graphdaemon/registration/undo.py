"""Undo a registration: move the app to the recycle bin, and remove the files that were written."""

from collections.abc import Callable

from graphdaemon.registration.actual import read_actual_state
from graphdaemon.registration.admin_graph import AdminGraph, Change
from graphdaemon.registration.desired import DesiredState
from graphdaemon.registration.local_files import LocalFiles


async def plan_undoing(
    admin_graph: AdminGraph, desired: DesiredState, *, purge: bool
) -> list[Change]:
    """
    List the requests that remove the app; with `purge`, from the recycle bin too.

    Raises:
        Error: Graph refused, or was not reached.
    """
    actual = await read_actual_state(admin_graph, desired)
    changes = []
    if actual.application is not None:
        # The directory deletes the service principal in this tenant along with it.
        changes.append(
            Change(
                "Move the app to the recycle bin, where it stays for thirty days",
                "DELETE",
                f"/applications/{actual.application['id']}",
            )
        )
    binned = actual.application or actual.deleted
    if purge and binned is not None:
        changes.append(
            Change("Delete it there for good", "DELETE", f"/directory/deletedItems/{binned['id']}")
        )
    return changes


async def undo(
    admin_graph: AdminGraph,
    desired: DesiredState,
    files: LocalFiles,
    *,
    purge: bool,
    say: Callable[[str], None],
) -> bool:
    """
    Remove the app and the files; return whether there was anything to remove.

    Raises:
        Error: Run it again: it continues where it stopped.
    """
    changes = await plan_undoing(admin_graph, desired, purge=purge)
    for change in changes:
        say(change.summary)
        await admin_graph.send(change, {})
    # After the requests: if Graph refuses, the app still works, and its files are needed.
    removed = files.remove()
    for path in removed:
        say(f"Removed {path}")
    return bool(changes or removed)
