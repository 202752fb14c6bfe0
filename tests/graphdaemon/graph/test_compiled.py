"""The compiled form of what is done for each record says what that in Python says, or nothing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from array import array
from collections import Counter
from pathlib import Path

import pytest

from graphdaemon.errors import GraphError
from graphdaemon.graph.compiled import KNOWN_IDS, SCAN_PAGE
from graphdaemon.graph.lines import Lines
from graphdaemon.graph.page import read_page
from graphdaemon.listing.id_set import packed_ids
from tests.support.graph_answers import answer
from tests.support.random_pages import RandomPages

SEED = int(os.environ.get("GRAPHDAEMON_FUZZ_SEED", "0"))
PAGES, NIGHTLY_PAGES = 5_000, 1_000_000
URL = "https://graph.microsoft.com/v1.0/users"

built = pytest.mark.skipif(SCAN_PAGE is None, reason="there was no compiler")


def judge(body: bytes, *, compiled: bool) -> tuple[object, ...]:
    """What is read of a page: its parts and its IDs, or that it is none, or that these are none."""
    try:
        page = read_page(answer(body), URL, scan=SCAN_PAGE if compiled else None)
    except GraphError as error:
        return (error.code,)
    parts = [bytes(one) for one in page.records], page.next_link, page.total, page.delta_link
    try:
        return (*parts, packed_ids(page))
    except GraphError as error:
        return (*parts, error.code)


def compare(pages: int, seed: int) -> None:
    drawn = RandomPages(seed)
    kinds: Counter[str] = Counter()
    for number in range(pages):
        body = drawn.draw()
        right = judge(body, compiled=False)
        assert judge(body, compiled=True) == right, f"seed {seed}, number {number}: {body!r}"
        assert SCAN_PAGE is not None
        scanned = SCAN_PAGE(body, 100)
        kinds["broken"] += len(right) == 1
        kinds["compiled"] += scanned is not None
        kinds["packed"] += scanned is not None and len(scanned[4]) > 0
        kinds["packed in Python"] += len(right) > 1 and right[-1] not in (b"", "page_malformed")
    # Neither was everything refused, nor everything left to Python.
    assert kinds["broken"] > 0.25 * pages
    assert kinds["compiled"] > 0.3 * pages
    assert kinds["packed"] > 0.4 * kinds["packed in Python"]


@built
def test_both_forms_read_the_same_of_random_pages() -> None:
    """Five thousand, the same each time; half of them are broken in one place or three."""
    compare(PAGES, 0)


@built
@pytest.mark.nightly
@pytest.mark.skipif(not SEED, reason="make test-nightly draws a million")
def test_both_forms_read_the_same_of_a_million_random_pages() -> None:
    """Others each night."""
    compare(NIGHTLY_PAGES, SEED)


@built
@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 16, 17, 40])
def test_a_page_cut_at_every_byte_is_no_page(size: int) -> None:
    """Whatever stands at the end, nothing behind it is read."""
    assert SCAN_PAGE is not None
    body = b'{"a":[1.5e3,true,null,false],"value":[{"n":"\\u00e9%b\xc3\xa9","id":"x"}]}' % (
        b"x" * size
    )

    assert SCAN_PAGE(body, 100) is not None
    for end in range(len(body)):
        assert SCAN_PAGE(body[:end], 100) is None


@built
def test_it_is_the_compiled_form_that_reads_the_pages_of_graph() -> None:
    """Not that in Python, to which everything could be left without a test's noticing."""
    assert SCAN_PAGE is not None
    page = {
        "value": [
            {"displayName": "Žofie", "id": f"{at:08x}-0000-4000-8000-00000000000a"}
            for at in range(3)
        ]
    }
    body = answer(page).body

    text, ends, begin, end, packed = SCAN_PAGE(body, 100) or pytest.fail("declined")

    lines = text.split(b"\n")
    assert isinstance(read_page(answer(page), URL).records, Lines)
    assert body[begin:end] == b"[" + b", ".join(lines[:-1]) + b"]"
    assert lines[-1] == b""
    assert [*array("q", ends)] == [text.index(line) + len(line) + 1 for line in lines[:-1]]
    assert packed.hex() == "".join(f"{at:08x}00004000800000000000000a" for at in range(3))


@built
@pytest.mark.parametrize(
    "arguments", [(), ("text", 100), (b"{}",), (b"{}", "deep"), (bytearray(b"{}"), 1)]
)
def test_what_is_no_text_of_bytes_is_refused(arguments: tuple[object, ...]) -> None:
    """It reads bytes, behind which there is always a NUL."""
    assert SCAN_PAGE is not None
    with pytest.raises(TypeError):
        SCAN_PAGE(*arguments)  # type: ignore[arg-type]


@built
def test_an_id_of_zeros_is_one_like_others() -> None:
    """A free place in a table has sixteen of them, too."""
    assert KNOWN_IDS is not None
    tables, zeros = [bytearray(16)], bytes(16)

    assert KNOWN_IDS(tables, zeros, 7, False) == []
    assert KNOWN_IDS(tables, zeros + zeros, 7, True) == [1]
    assert KNOWN_IDS(tables, zeros, 7, False) == [0]


LEAK = """
import gc, json, resource, sys, uuid
from graphdaemon.graph.compiled import KNOWN_IDS, SCAN_PAGE
users = [{"displayName": "n" * 200, "id": str(uuid.UUID(int=at))} for at in range(999)]
body = json.dumps({"value": users}).encode()
bad = [body[:-2], body.replace(b'"id"', b'"i\\\\u0064"', 1), body[:-2] + b'],"value":[]}']
def work(times):
    for _ in range(times):
        packed = SCAN_PAGE(body, 100)[4]
        assert [SCAN_PAGE(one, 100) for one in bad][0] is None
        tables = [bytearray(16) for _ in range(4)]
        assert KNOWN_IDS(tables, packed, 1, True) == []
        assert len(KNOWN_IDS(tables, packed, 1, True)) == 999
        for wrong in (lambda: SCAN_PAGE(1), lambda: KNOWN_IDS(tables, 1, 1, True)):
            try: wrong()
            except TypeError: pass
work(20)
blocks, peak = sys.getallocatedblocks(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
work(200)
print(sys.getallocatedblocks() - blocks, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak)
"""


@built
def test_nothing_of_what_it_allocates_is_left() -> None:
    """Whether a page is read, declined or refused: neither objects of Python nor other memory."""
    done = subprocess.run([sys.executable, "-c", LEAK], capture_output=True, text=True, check=True)
    blocks, kilobytes = map(int, done.stdout.split())

    assert blocks < 100, "200 rounds of a thousand records"
    assert kilobytes < 4_000, "a page has 250 kB"


KEEP = """
import resource, sys
from graphdaemon.graph.compiled import keep_memory
if sys.argv[1] == "keep":
    keep_memory()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
before = faults()
for _ in range(200):
    pages = [bytes(400_000) for _ in range(3)]
    del pages
print(faults() - before)
"""


@built
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told so")
def test_memory_is_kept_for_the_next_page() -> None:
    """The system need not clear it anew each time."""
    faults = {
        how: int(subprocess.check_output([sys.executable, "-c", KEEP, how])) for how in ("keep", "")
    }

    assert faults["keep"] * 10 < faults[""]


def test_where_there_is_a_compiler_it_is_built() -> None:
    """`make` compiles it; where Python's headers or a compiler are missing, it does without."""
    headers = Path(sysconfig.get_paths()["include"]) / "Python.h"
    can = os.name == "posix" and shutil.which("cc") and headers.exists()
    if can and os.environ.get("GRAPHDAEMON_COMPILED") != "0":
        assert SCAN_PAGE is not None


def test_it_can_be_left_unused() -> None:
    """The variable leaves everything to Python."""
    code = "from graphdaemon.graph import compiled; print(compiled.SCAN_PAGE, compiled.KNOWN_IDS)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"GRAPHDAEMON_COMPILED": "0"},
    )

    assert done.stdout == "None None\n"


STALE = """
import sys, types
module = types.ModuleType("graphdaemon.graph._compiled", "form 1")
module.scan_page = module.known_ids = module.keep_memory = None
sys.modules[module.__name__] = module
from graphdaemon.graph import compiled
print(compiled.SCAN_PAGE, compiled.KNOWN_IDS, compiled._keep_memory)
"""


def test_what_was_compiled_from_older_source_is_not_used() -> None:
    """Its results would be read as something else, and Graph would be blamed."""
    stale = STALE.replace("= None", "= 'stale'")
    done = subprocess.run([sys.executable, "-c", stale], capture_output=True, text=True, check=True)

    assert done.stdout == "None None None\n"
