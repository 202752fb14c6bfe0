"""
`$search`: quoted `"property:words"` clauses with AND and OR.

Source: "Use the $search query parameter", Microsoft Graph: `displayName` is
split into words, every other property is matched from its beginning.
"""

import re
from collections.abc import Mapping
from typing import Any

from graphdaemon.emulator import schema
from graphdaemon.emulator.errors import deny
from graphdaemon.emulator.graph.filter import Predicate

__all__ = ["parse_search"]

SEARCHABLE = frozenset({"displayName", "givenName", "mail", "surname", "userPrincipalName"})

_TOKEN = re.compile(r'\s*(?:"(?P<clause>(?:[^"\\]|\\.)*)"|(?P<word>AND|OR|[()]))')
_WORD = re.compile(r"\w+")


def parse_search(kind: str, text: str) -> Predicate:
    """
    A function that tells whether an object matches; AND binds closer than OR.

    Raises:
        GraphFault: 400 "Invalid search clause: …".
    """
    groups: list[list[Predicate]] = [[]]
    at, end, wanted = 0, len(text.rstrip()), "clause"
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup != wanted or found["word"] in {"(", ")"}:
            raise deny("search_malformed", reason=f"Syntax error at position {at} in '{text}'.")
        if wanted == "clause":
            groups[-1].append(_compile_clause(kind, found["clause"]))
        elif found["word"] == "OR":
            groups.append([])
        wanted = "word" if wanted == "clause" else "clause"
        at = found.end()
    if wanted == "clause":
        raise deny("search_malformed", reason=f"Syntax error at position {end} in '{text}'.")
    return lambda doc: any(all(test(doc) for test in group) for group in groups)


def _compile_clause(kind: str, clause: str) -> Predicate:
    label, colon, value = re.sub(r"\\(.)", r"\1", clause).partition(":")
    name = schema.canonical(kind, label.strip())
    if not colon or name not in SEARCHABLE:
        reason = f"'{clause}' does not begin with a searchable property and a colon."
        raise deny("search_malformed", reason=reason)
    wanted = value.strip().casefold()
    if name == "displayName":
        return _compile_words(name, _WORD.findall(wanted))
    return lambda doc: str(doc.get(name) or "").casefold().startswith(wanted)


def _compile_words(name: str, wanted: list[str]) -> Predicate:
    def matches(doc: Mapping[str, Any]) -> bool:
        words = _WORD.findall(str(doc.get(name) or "").casefold())
        return all(any(word.startswith(prefix) for word in words) for prefix in wanted)

    return matches
