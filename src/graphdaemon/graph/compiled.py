"""
The compiled form of what is done for each record, where there is one.

It is optional: the forms in Python, beside which it is used, do the same more slowly. Nothing but
the time a listing takes tells them apart. `GRAPHDAEMON_COMPILED=0` in the environment leaves it
unused (docs/decisions/0008).
"""

import contextlib
import os
from collections.abc import Callable

ScanPage = Callable[[bytes, int], tuple[bytes, bytearray, int, int, bytes] | None]
"""
Cuts a page into its records, and packs their IDs.

Takes the JSON text of a page, and how deeply it may be nested. Returns the records as they stand
there, each with a line break behind it; where each of these lines ends, in eight bytes; where the
value of `value` begins and ends in the body; and, where each record has one ID, which is a GUID in
small letters, sixteen bytes for each of them, otherwise nothing. None is returned for what the form
in Python has to judge: all that is not JSON by RFC 8259, in UTF-8, and pages with two members
`value` or with an escape in a name of their own.
"""

KnownIds = Callable[[list[bytearray], bytes, int, bool], list[int]]
"""
Returns the positions of those packed IDs that a set has, or that stand among them before.

Takes the tables of the set, any number of them, each a `bytearray(16)` at first, which nothing else
may change; sixteen bytes for each ID; a number below 2**64 that nobody can guess, the same in all
calls for one set; and whether to put the other IDs into the set.
"""

WriteCsv = Callable[[bytes, tuple[bytes, ...], bool], bytes | None]
"""
Writes records as lines of CSV, each with CR LF behind it.

Takes records as `ScanPage` returns them; the names of the columns, in UTF-8; and whether texts that
a spreadsheet would read as a formula stay as they are. None is returned where the form in Python
has to write them.
"""

# The arguments and results that this module expects, as `_compiled.c` calls them.
_FORM = "form 3"

SCAN_PAGE: ScanPage | None = None
KNOWN_IDS: KnownIds | None = None
WRITE_CSV: WriteCsv | None = None
_keep_memory: Callable[[], None] | None = None

if os.environ.get("GRAPHDAEMON_COMPILED") != "0":
    with contextlib.suppress(ImportError):
        from graphdaemon.graph import _compiled

        # One that was compiled from older source would be taken for a fault of Graph's.
        if _compiled.__doc__ == _FORM:
            SCAN_PAGE, KNOWN_IDS = _compiled.scan_page, _compiled.known_ids
            WRITE_CSV, _keep_memory = _compiled.write_csv, _compiled.keep_memory


def keep_memory() -> None:
    """
    Have the process keep memory that is freed for what comes next, instead of giving it back.

    Each page takes about a megabyte, for a moment. The C library (glibc alone) gives so much back
    at once, and the system clears it anew for the next page, which is a sixth of a page's cost.
    This is for a program to decide, and not for a library.
    """
    if _keep_memory is not None:
        _keep_memory()
