"""
Advice on a case: what it means, and the next step with the known values filled in.

Pure; needed only when something has failed.
"""

from collections.abc import Mapping
from typing import NamedTuple

from graphdaemon.cloud import CLOUDS, find_cloud
from graphdaemon.diagnosis.cases import CASES

# What fills a placeholder whose value is not known.
_UNKNOWN = {
    "role": "that the call needs",
    "portal": "the Entra admin center",
    "consent": "`graphdaemon consent` prints its address",
    "graph": "https://graph.microsoft.com",
    "api": "{App ID URI of the API}",
    "host": "the host",
    "beyond": "a licence, a directory role, a policy of the service behind Graph",
    "answerer": "the firewall or proxy",
    "token": "the federated token",
    "audience": "that of another API",
    "claim": "that is named",
    "client": "that it names",
    "scope": "that the call needs",
    "sender": "that it names",
    "since": "then",
}
# What a sentence says where something is shown that it can point at, and where it is not: an ID has
# a line of its own, and the message is what the service answered.
_POINTERS = {
    "in_logs": ("request_id", "; the request ID finds the refusal in Microsoft's logs", ""),
    "in_sign_ins": ("correlation_id", " (the correlation ID finds it)", ""),
    "to_support": ("correlation_id", ", or give the correlation ID to Microsoft's support", ""),
    "to_graph_support": ("request_id", ", or give the request ID to Microsoft's support", ""),
    "undone": (
        "message",
        "the property or option out that the message names",
        "out what is asked for besides the path",
    ),
}


class Advice(NamedTuple):
    """A case, its code, its meaning and the next step, with the known values filled in."""

    case: str
    code: str
    meaning: str
    step: str


def locate(authority: str | None, consent_url: str | None) -> dict[str, str | None]:
    """Return the values for `advise` that depend on the cloud and tenant of `authority`."""
    cloud = find_cloud(authority or "")
    return {
        "consent": consent_url,
        "portal": cloud.portal if cloud else None,
        "graph": cloud.graph if cloud else None,
        "api": (cloud or CLOUDS[0]).graph,
    }


def advise(case: str, values: Mapping[str, str | None] | None = None) -> Advice:
    """
    Say what `case` means and what to do.

    Args:
        case: A key of `CASES`.
        values: What fills the placeholders, as far as it is known: role, portal, consent (an
            address), graph, api, host, beyond, answerer, token, audience, claim, client, scope,
            sender (a tenant), since; and what is shown beside the step, which may point at it then:
            request_id, correlation_id, message.
    """
    row = CASES[case]
    return Advice(case, row.code, fill(row.meaning, values), fill(row.step, values))


def fill(sentence: str, values: Mapping[str, str | None] | None) -> str:
    """Fill the placeholders of a sentence, as `advise` does."""
    known = {name: value for name, value in (values or {}).items() if value}
    pointers = {
        name: pointing if shown in known else alone
        for name, (shown, pointing, alone) in _POINTERS.items()
    }
    return sentence.format_map(_UNKNOWN | pointers | known)
