"""Open the throttle budget that the settings name: in this process, in a file, or in Redis."""

import atexit

from graphdaemon.graph.throttling.budget import Budget, find_budget
from graphdaemon.graph.throttling.ledger import FileLedger, Ledger, MemoryLedger, RemoteLedger
from graphdaemon.settings.model import Settings


def open_budget(settings: Settings, share: float) -> Budget:
    """Return the throttle budget of all that call this API as this app in this tenant."""
    issuer = settings.authority or settings.oidc_authority
    app = (settings.api_root, issuer, settings.client_id)
    key = (*app, settings.budget_file, settings.budget_url)
    return find_budget(key, share, lambda: _make_ledger(settings, app))


def _make_ledger(settings: Settings, app: tuple[str | None, ...]) -> Ledger:
    if settings.budget_file is not None:
        return FileLedger(settings.budget_file)
    if settings.budget_url is None:
        return MemoryLedger()
    from graphdaemon.graph.throttling.redis_totals import RedisTotals

    totals = RedisTotals(settings.budget_url, settings.ca_file, app)
    ledger = RemoteLedger(totals.exchange)
    # What a short process has used is told when it ends, if not before.
    atexit.register(ledger.settle)
    return ledger
