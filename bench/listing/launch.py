"""
Runs one command to its end, and writes what it cost as JSON.

    python -I -S launch.py RESULT CPU OUTPUT COMMAND...

A process of its own, and a small one: what a command is charged for begins with the memory of the
process that started it. CPU is the number of the core to use, or "-" for any.
"""

import json
import os
import sys
import time


def main() -> None:
    result, cpu, output, *command = sys.argv[1:]
    if cpu != "-":
        os.sched_setaffinity(0, {int(cpu)})
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600)]
    began = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, used = os.wait4(child, 0)
    ended = time.monotonic()
    cost = {
        "wall": ended - began,
        "cpu": used.ru_utime + used.ru_stime,
        "rss": used.ru_maxrss / 1024,
        "status": os.waitstatus_to_exitcode(status),
    }
    with open(result, "w") as file:  # noqa: PTH123  pathlib would double the memory
        json.dump(cost, file)


if __name__ == "__main__":
    main()
