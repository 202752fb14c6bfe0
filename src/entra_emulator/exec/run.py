"""A run of somebody's program against an emulator of its own."""

import os

from entra_emulator.exec.program import NamespaceUnavailable, Observer, Program, find_command


def run_program(program: Program, observer: Observer) -> int:
    """
    Run a program, and return the exit code that `observer` makes of the program's.

    Call it from the main thread of a process that has no other. With namespaces the emulator, and
    the observer, live in a child of this process, which returns from here too.

    Raises:
        NamespaceUnavailable: the method is that of namespaces, and there are none.
        ProgramNotStarted: there is no such program, or the system does not run it.
        ValueError: something that the program is given cannot be read; see also `Emulator.start`.
        OSError: there is no room for the tenant.
    """
    environment = dict(os.environ)
    find_command(program, environment)
    if program.method == "namespace":
        if not hasattr(os, "pidfd_open"):
            raise NamespaceUnavailable("only Linux has namespaces")
        from entra_emulator.exec.namespace import run_in_namespace

        return run_in_namespace(program, observer, environment)
    from entra_emulator.exec.proxy import run_through_proxy

    return run_through_proxy(program, observer, environment)
