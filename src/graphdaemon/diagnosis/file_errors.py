"""What to do if the operating system does not let the program write a file or folder."""

import errno

_STEPS = {
    "ENOSPC": "Make room on the disk, or {other}.",
    "EDQUOT": "Free some of this user's disk quota, or {other}.",
    "EFBIG": "Raise the limit on the size of a file (ulimit -f), or {other}.",
    "EACCES": "Allow this user to write to it and to its folder, or {other}.",
    "EPERM": "Allow this user to write to it and to its folder, or {other}.",
    "EROFS": "The file system is read-only: {other}.",
    "ENOENT": "Create the folder that it is to be in, or {other}.",
    "ENOTDIR": "A part of the path is a file and not a folder: {other}.",
    "EEXIST": "Something of that name is there already: {other}.",
    "EISDIR": "There is a folder of that name: {other}.",
    "ELOOP": "The symbolic links in the path lead in a circle: {other}.",
    "ENAMETOOLONG": "The name is too long for the file system: {other}.",
    "EMFILE": "Raise the limit on open files (ulimit -n), and run it again.",
    "ENFILE": "Close programs that hold many files open, and run it again.",
    "EIO": "Check that the disk is connected and sound, or {other}.",
}
# Windows lacks some of these words, and no number has two meanings.
_BY_NUMBER = {getattr(errno, name): step for name, step in _STEPS.items() if hasattr(errno, name)}

NO_ROOM = frozenset(
    getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, name)
)
"""The disk is full, the user's quota is used up, or the file may not grow any more."""

FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""This user may not write there, or nobody may."""

OF_THE_MACHINE = NO_ROOM | {errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO}
"""Errors about the state of the machine. Wherever they occur, they are not a bug in the program."""


def advise(number: int | None, other: str = "name another file") -> str:
    """
    Return the next step after an error of the operating system, as a sentence.

    Args:
        number: The `errno` of the error; None where it is not known.
        other: What else would help, in the imperative, such as `name another file with --output`.
    """
    step = _BY_NUMBER.get(number or 0, "Check the path and the disk, or {other}.")
    return step.format(other=other)
