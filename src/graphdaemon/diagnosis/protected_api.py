"""What the refusal of an API of one's own means, by the header and the body that it answers."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from graphdaemon.cloud import is_for_graph
from graphdaemon.diagnosis.cases.protected_api import PROTECTED_API
from graphdaemon.diagnosis.known_texts import LIBRARIES

# `error_description` of a Bearer challenge (RFC 6750, 3); in its text, no quotation mark.
_DESCRIPTION = re.compile(r'\berror_description="([^"\\]{1,2000})"')
_LONGEST_HEADER = 16_384
# How `graphdaemon.protect` ends what it answers: the case.
_NAMED = re.compile(r" \(([a-z_]{1,40})\)$")


def read_challenge_words(headers: Iterable[str]) -> str:
    """Return the `error_description` in headers WWW-Authenticate; empty if there is none."""
    for header in headers:
        match = _DESCRIPTION.search(header[:_LONGEST_HEADER])
        if match is not None:
            return match[1]
    return ""


def find_refusal(
    status: int, words: str, body: Mapping[str, Any], claims: Mapping[str, Any] | None
) -> str | None:
    """
    Find the case of a refusal by an API that is not Graph; None if it does not say.

    Args:
        status: The HTTP status.
        words: What `read_challenge_words` returned.
        body: The answer's JSON object, or an empty one.
        claims: The claims of the token that was sent, if it could be read.
    """
    # What is out of order for a while (503) says so by its status, and is asked again.
    if status not in (400, 401, 403):
        return None
    named = _NAMED.search(words)
    case = named[1] if named is not None else body.get("code")
    if isinstance(case, str) and case in PROTECTED_API:
        return case
    if status != 401 or not words or claims is None:
        return None
    lowered = words.lower()
    patterns = {case: LIBRARIES[case] for case in LIBRARIES if case in PROTECTED_API}
    said = next((case for case, one in patterns.items() if re.search(one, lowered)), None)
    if not is_for_graph(claims.get("aud")):
        return said
    # Graph has words of its own, in which nothing is said of another API's audience.
    return "bearer_for_graph" if said == "bearer_for_other" else None


def find_values(case: str, words: str) -> dict[str, str]:
    """Return what fills the placeholder of a case, as an API that named it has said it."""
    if case not in PROTECTED_API:
        return {}
    before, _, rest = PROTECTED_API[case].meaning.partition("{")
    name, _, after = rest.partition("}")
    said = words.removesuffix(f" ({case})")
    if not name or not said.startswith(before) or not said.endswith(after):
        return {}
    return {name: said[len(before) : len(said) - len(after)]}
