"""A length of time as people write it: `7d`, `12h`, `30m`, `90s`."""

import re

_FORM = r"([0-9]{1,6})([smhd])"
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_WITHOUT_END = ("never", "forever")


def read_duration(text: str) -> float | None:
    """
    Return the seconds that `text` means; None for `never` and `forever`.

    Raises:
        ValueError: It is of no such form.
    """
    if text in _WITHOUT_END:
        return None
    match = re.fullmatch(_FORM, text)
    if match is None:
        raise ValueError(f"{text} is not a length of time")
    return int(match[1]) * _SECONDS[match[2]]
