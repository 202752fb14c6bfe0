"""Open the throttle budget that the settings name: in this process, in a file, or in Redis."""

import atexit
import threading
from collections.abc import Callable, Hashable

from graphdaemon.graph.throttling.budget import Budget
from graphdaemon.graph.throttling.ledger import FileLedger, Ledger, MemoryLedger, RemoteLedger
from graphdaemon.settings.model import Settings

_budgets: dict[Hashable, Budget] = {}
_ledgers: dict[Hashable, Ledger] = {}
_budgets_lock = threading.Lock()


def open_budget(settings: Settings, share: float) -> Budget:
    """Return the throttle budget of all that call this API as this app in this tenant."""
    issuer = settings.authority or settings.oidc_authority
    app = (settings.api_root, issuer, settings.client_id)
    key = (*app, settings.budget_file, settings.budget_url)
    return find_budget(key, share, lambda: _make_ledger(settings, app))


def find_budget(
    key: Hashable, share: float = 1.0, make_ledger: Callable[[], Ledger] = MemoryLedger
) -> Budget:
    """
    Return the one budget of this process for `key`: a Graph, a tenant and an app.

    Each `share` has a budget of its own; they have one ledger, which `make_ledger` makes at first,
    so that what one uses, all count.
    """
    with _budgets_lock:
        if key not in _ledgers:
            _ledgers[key] = make_ledger()
        if (key, share) not in _budgets:
            _budgets[key, share] = Budget(share=share, ledger=_ledgers[key])
        return _budgets[key, share]


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
