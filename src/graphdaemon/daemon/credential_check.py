"""When the credentials of an app end: of certificates by the file, of secrets as Graph tells it."""

import datetime as dt

from graphdaemon.auth.kinds import read_credentials
from graphdaemon.doctor.registration import parse_registration
from graphdaemon.errors import Error
from graphdaemon.graph.graph import Graph
from graphdaemon.settings.model import Settings
from graphdaemon.store.credential_ends import CredentialEnd
from graphdaemon.store.times import format_time

_NEEDS = "Application.Read.All"


async def examine_credentials(
    name: str, settings: Settings, graph: Graph, now: dt.datetime
) -> list[CredentialEnd]:
    """
    Return when each credential of a tenant's app ends, empty where nobody can tell.

    Graph never shows a secret, so that nobody can tell which of an app's secrets the settings hold:
    the one that lasts longest stands for it. It is asked only if there is a secret, and what it
    refuses is no failure: most apps may not read applications.

    Args:
        name: The name of the tenant's settings file.
        settings: What it says.
        graph: Its Graph.
        now: The time, in UTC.
    """
    secret_end: float | None = None
    credentials = read_credentials(settings)
    if any(one.secret is not None for one in credentials):
        secret_end = await _ask_end(settings, graph)
    return [
        CredentialEnd(
            name,
            one.source,
            one.kind,
            _format(secret_end if one.secret is not None else one.expires_at),
            format_time(now),
        )
        for one in credentials
    ]


def _format(end: float | None) -> str:
    return "" if end is None else format_time(dt.datetime.fromtimestamp(end, dt.UTC))


async def _ask_end(settings: Settings, graph: Graph) -> float | None:
    url = (
        f"{settings.graph_root}/applications(appId='{settings.client_id}')"
        "?$select=passwordCredentials"
    )
    try:
        application = await graph.get(url, needs=_NEEDS)
    except Error:
        return None
    ends = parse_registration(application, {}).secrets_expire_at
    return max(ends, default=None)
