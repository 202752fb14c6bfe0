"""Text that was piped here or pasted into a file, in whatever encoding a log or a shell has."""

from graphdaemon.settings.text import decode_text


def decode_pasted(content: bytes) -> str:
    """Return the text; what no encoding explains is replaced, and the rest of it is kept."""
    try:
        return decode_text(content)
    except UnicodeDecodeError:
        # One stray byte in a log must not hide what the rest of it says.
        return content.decode("utf-8", "replace")
