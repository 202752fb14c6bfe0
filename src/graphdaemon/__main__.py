"""The program `graphdaemon`, which `python -m graphdaemon` runs too."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line, and exit with one of the documented exit codes."""
    # Ctrl-C while modules are imported would print a traceback, and there is nothing yet to end in
    # good order. A shell that starts it in the background has it ignore Ctrl-C.
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from graphdaemon.cli import main as run

    signal.signal(signal.SIGINT, handler)
    run()


if __name__ == "__main__":
    main()
