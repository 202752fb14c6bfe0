"""Text that a server sends, made fit to be part of a message: not too long, or in visible signs."""

MESSAGE_LENGTH = 2_000
"""Characters of an error's own text that are shown: AADSTS texts have up to a thousand."""

QUOTE_LENGTH = 200
"""Characters of any other answer that are shown."""

_NAME_LENGTH = 100


def shorten(text: str, most: int = MESSAGE_LENGTH) -> str:
    """Return `text`, or its first `most` characters and how many it has in all."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def quote(content: str | bytes, most: int = QUOTE_LENGTH) -> str:
    """
    Return the beginning of `content` as one line of visible characters; empty if it is blank.

    Blanks and line breaks in a row become one blank, and what cannot be seen is escaped.
    """
    # Each character has four bytes at most, and blanks need not be seen.
    text = content[: 8 * most]
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = "".join(map(_escape, " ".join(text.split())))
    is_cut = len(line) > most or len(content) > 8 * most
    return f"{line[:most]}…" if is_cut else line


def read_name(value: object) -> str | None:
    """Return an error's code or a request's ID where it is a text as such are; else None."""
    if not isinstance(value, str) or not 0 < len(value) <= _NAME_LENGTH:
        return None
    return value if value.isprintable() else None


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
