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
    """
    Return the throttle budget that everything shares that calls this API as this app and tenant.

    Args:
        settings: The API, the tenant and the app, and where the budget is kept.
        share: The part of the documented limits that may be used; 1 for all.

    Raises:
        SettingsError: The package redis is missing.
        UsageError, OutputError: The budget file has other content, or cannot be used.
    """
    issuer = settings.authority or settings.oidc_authority
    app = (settings.api_root, issuer, settings.client_id)
    key = (*app, settings.budget_file, settings.budget_url)
    return find_budget(key, share, lambda: _make_ledger(settings, app))


def find_budget(
    key: Hashable, share: float = 1.0, make_ledger: Callable[[], Ledger] = MemoryLedger
) -> Budget:
    """
    Return the budget of this process for `key` and `share`; it is made at the first call.

    Budgets with the same key and different shares have one ledger, which `make_ledger` makes, so
    that each of them counts the units that the others use.

    Args:
        key: Identifies the API, the tenant and the app.
        share: The part of the documented limits that may be used; 1 for all.
        make_ledger: Makes the ledger for a new key.
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
    # A short process may end before the first comparison, so it reports its use at its end.
    atexit.register(ledger.settle)
    return ledger
