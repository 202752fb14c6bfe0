"""
The functions, compiled from C, that do what has to be done for each record of a listing.

They are optional. For each there is Python code that gives the same result more slowly, and that
is used where the compiled module is not installed, or where `GRAPHDAEMON_COMPILED=0` is set in the
environment (docs/decisions/0008). In that case the constants below are None.
"""

import contextlib
import os
from collections.abc import Callable

ScanPage = Callable[[bytes, int], tuple[bytes, bytearray, int, int, bytes] | None]
"""
Splits a page into its records, and packs their IDs.

It takes the JSON text of a page, and the greatest depth to which it may be nested. It returns a
tuple of five values:

- the records as Graph wrote them, each followed by a line break;
- the end of each of these lines, as integers of eight bytes in the byte order of the machine;
- the offset in the page at which the value of the member `value` begins;
- the offset at which it ends;
- sixteen bytes for the ID of each record, if every record has one `id` that is a GUID in lower
  case; otherwise no bytes.

It returns None for a page that the Python code has to judge: one that is not JSON in UTF-8 by RFC
8259, that has two members `value`, or that has an escape sequence in a name at its top level.
"""

KnownIds = Callable[[list[bytearray], bytes, int, bool], list[int]]
"""
Finds the packed IDs that a set already contains, and adds the others to it.

It takes the tables of the set (any number of them, each of which begins as `bytearray(16)`, and
which nothing else may change); the IDs, sixteen bytes each; a seed below 2**64 that nobody can
guess, and that is the same in all calls for one set; and whether to add the IDs that are new. It
returns the positions of the IDs that the set contains or that occur earlier among the given ones.
"""

WriteCsv = Callable[[bytes, tuple[bytes, ...], bool], bytes | None]
"""
Writes records as lines of CSV, each of which ends with CR LF.

It takes records as `ScanPage` returns them; the names of the columns, in UTF-8; and whether texts
that a spreadsheet would read as a formula are written unchanged. It returns None if the Python code
has to write these records.
"""

# The version of the arguments and results above; `_compiled.c` has it as its docstring.
_FORM = "form 3"

SCAN_PAGE: ScanPage | None = None
KNOWN_IDS: KnownIds | None = None
WRITE_CSV: WriteCsv | None = None
_keep_memory: Callable[[], None] | None = None

if os.environ.get("GRAPHDAEMON_COMPILED") != "0":
    with contextlib.suppress(ImportError):
        from graphdaemon.graph import _compiled

        # A module compiled from older source would give results that look like a fault of Graph.
        if _compiled.__doc__ == _FORM:
            SCAN_PAGE, KNOWN_IDS = _compiled.scan_page, _compiled.known_ids
            WRITE_CSV, _keep_memory = _compiled.write_csv, _compiled.keep_memory


def keep_memory() -> None:
    """
    Tell the C library to keep freed memory for the next page instead of returning it to the system.

    Each page needs about a megabyte for a moment. The C library glibc returns that much at once,
    and the system clears it again for the next page, which takes a sixth of the time spent on a
    page. With other C libraries this function does nothing. It changes the whole process, so a
    program may call it, but not a library.
    """
    if _keep_memory is not None:
        _keep_memory()
