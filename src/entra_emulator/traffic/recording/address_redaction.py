"""Addresses without anybody's name: hosts, paths and queries keep what is the services' own."""

import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from entra_emulator.traffic.recording import vocabulary
from entra_emulator.traffic.recording.pseudonyms import Pseudonyms

# The hosts of Microsoft's clouds, and this machine.
HOSTS = frozenset(
    "127.0.0.1 ::1 dod-graph.microsoft.us graph.microsoft.com graph.microsoft.us "
    "graph.windows.net localhost login.microsoft.com login.microsoftonline.com "
    "login.microsoftonline.us login.partner.microsoftonline.cn login.windows.net "
    "management.azure.com microsoftgraph.chinacloudapi.cn sts.windows.net".split()
)

# Literals, IDs, times and words of a condition, and what stands between them.
_CONDITION = re.compile(
    r"'[^']*'|\"[^\"]*\""
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    r"|\d{4}-\d\d-\d\d(?:T[\d:.]{1,20}Z)?"
    r"|[A-Za-z_][\w.]*|[^\w'\"]+|\w+|['\"]"
)
_CALLED = re.compile(r"([A-Za-z.]+)\((.*)\)", re.DOTALL)
_SEARCHED = re.compile(r"\w+:?|[^\w:]+|:")
_TIME = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]{1,20}Z)?")
_SIZE = re.compile(r"\d{1,6}", re.ASCII)
# Greater numbers in a condition may be somebody's.
_SMALL_NUMBER = re.compile(r"\d{1,2}", re.ASCII)

_PLAIN_OPTIONS = frozenset("$count $format $skip $top".split())
_CONDITIONS = frozenset("$apply $compute $expand $filter $orderby $select".split())
_TOKENS = frozenset("$deltatoken $skiptoken".split())

# What may stand in a path, or in a query, as it is.
_SAFE = "$!'()*,:;@=+"


def replace_address(names: Pseudonyms, url: str) -> str:
    """The address, which may be one without its beginning."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return names.replace_text(url)
    start = ""
    if parts.scheme in {"http", "https"} and host:
        shown = host if host in HOSTS else names.replace_text(host)
        start = f"{parts.scheme}://{f'[{shown}]' if ':' in shown else shown}"
        start += f":{port}" if port else ""
    elif parts.scheme or parts.netloc:
        return names.replace_text(url)
    path = "/".join(_replace_segment(names, unquote(one)) for one in parts.path.split("/"))
    query = replace_query(names, parts.query)
    fragment = replace_condition(names, unquote(parts.fragment))
    return f"{start}{path}{'?' if query else ''}{query}{'#' if fragment else ''}{fragment}"


def replace_query(names: Pseudonyms, query: str) -> str:
    """The options of a query, percent-encoded."""
    return "&".join(
        "=".join(quote(part, safe=f"{_SAFE}/") for part in _replace_option(names, name, value))
        for name, value in parse_qsl(query, keep_blank_values=True)
    )


def replace_condition(names: Pseudonyms, text: str) -> str:
    """A `$filter`, a `$select` and the like: names of properties stay, literals do not."""
    return "".join(_replace_part(names, part) for part in _CONDITION.findall(text))


def _replace_option(names: Pseudonyms, name: str, value: str) -> tuple[str, str]:
    # The dollar sign may be left out (OData 4.01).
    folded = f"${name.lower().removeprefix('$')}"
    if folded in _PLAIN_OPTIONS or name.lower() == "api-version":
        known = value.lower() in {"true", "false", "json", "1.0", "1.6"}
        return name, value if known or _SIZE.fullmatch(value) else names.replace_text(value)
    if folded in _TOKENS:
        return name, names.replace_link(value)
    if folded == "$search":
        return name, "".join(_replace_searched(names, part) for part in _SEARCHED.findall(value))
    if folded in _CONDITIONS:
        return name, replace_condition(names, value)
    known = vocabulary.is_member(name)
    return name if known else names.replace_text(name), names.replace_text(value)


def _replace_segment(names: Pseudonyms, segment: str) -> str:
    if vocabulary.is_segment(segment):
        return segment
    called = _CALLED.fullmatch(segment)
    if called and vocabulary.is_segment(called[1]):
        return f"{called[1]}({quote(replace_condition(names, called[2]), safe=_SAFE)})"
    return quote(names.replace_text(segment), safe=_SAFE)


def _replace_part(names: Pseudonyms, part: str) -> str:
    if part[0] in "'\"":
        return part[0] + _replace_literal(names, part[1:-1]) + part[0] if part[1:] else part
    if _TIME.fullmatch(part) or _SMALL_NUMBER.fullmatch(part):
        return part
    if vocabulary.is_property(part) or all(map(vocabulary.is_property, part.split("."))):
        return part
    return names.replace_text(part)


def _replace_literal(names: Pseudonyms, value: str) -> str:
    if vocabulary.is_literal(value):
        return value
    return (
        replace_address(names, value)
        if value.startswith("https://")
        else (names.replace_text(value))
    )


def _replace_searched(names: Pseudonyms, part: str) -> str:
    # What stands before a colon is a property, everything else is what somebody looks for.
    if part.endswith(":") and vocabulary.is_property(part[:-1]):
        return part
    return part if part in {"AND", "OR", "NOT"} else names.replace_text(part)
