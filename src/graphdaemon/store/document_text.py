"""Make documents that both databases can store, and from which they can read every string."""

import re

import msgspec

# JSON escapes for which a database has no character: NUL, which PostgreSQL does not allow in a
# text, and a single surrogate, which UTF-8 cannot encode (RFC 8259, 8.2).
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE = re.compile(
    r"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?P<none>\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2}))"
    r"|\\."
)
# The "replacement character" of Unicode, for a character that cannot be represented.
_REPLACEMENT = r"\ufffd"


def make_text(document: bytes | msgspec.Raw) -> str:
    """
    Return a document as text, in which U+FFFD replaces every escape that is not a character.

    A single one of these escapes would make every query of a view fail. Both sides of each
    comparison are made by this function, so the replacement never looks like a change.
    """
    text = str(document, "utf-8")
    # Searching for a backslash is ten times as fast, and nearly all documents have none.
    if "\\" not in text or _SUSPECT.search(text) is None:
        return text
    return _ESCAPE.sub(lambda match: _REPLACEMENT if match["none"] else match[0], text)
