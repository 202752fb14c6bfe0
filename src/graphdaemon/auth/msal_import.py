"""
Imports MSAL, which lives here alone: all of it, or only the modules that a token request needs.

Python runs a package's `__init__` before any of its modules, and MSAL's loads requests, for managed
identities alone, which takes twice as long as all the rest. So the package is entered by an empty
stand-in, which is gone again afterwards: whoever else imports it gets all of it.
"""

import importlib
import importlib.util
import sys
import threading
from functools import cache
from types import ModuleType
from typing import Any

_lock = threading.RLock()


def import_msal() -> Any:
    """Return all of MSAL, with its exceptions."""
    import msal
    import msal.exceptions

    return msal


@cache
def import_msal_parts() -> tuple[Any, Any]:
    """Return MSAL's module of applications and that of its exceptions, without the rest."""
    # `application` uses `auth_scheme` and leaves it to MSAL's `__init__` to import it.
    application, exceptions, _ = import_parts("msal", "application", "exceptions", "auth_scheme")
    if sys.modules.get("msal.application") is not application:
        # A copy of our own. Its look at msal-extensions, which nothing here uses, would load the
        # whole after all.
        vars(application)["_msal_extension_check"] = lambda: None
    return application, exceptions


def import_parts(package: str, *names: str) -> tuple[ModuleType, ...]:
    """
    Import modules of a package without running its `__init__`.

    Where the package is imported already, or they need its `__init__`, they are imported as usual.

    Raises:
        ImportError: There is no such package.
    """
    with _lock:
        if package not in sys.modules:
            try:
                return _enter(package, names)
            except (ImportError, AttributeError):
                pass
        return tuple(importlib.import_module(f"{package}.{name}") for name in names)


def _enter(package: str, names: tuple[str, ...]) -> tuple[ModuleType, ...]:
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ImportError(f"there is no package {package}", name=package)
    stand_in = importlib.util.module_from_spec(spec)

    def find(name: str) -> object:
        # Another thread has imported the stand-in meanwhile, or a module needs the package later.
        with _lock:
            if name.startswith("__") or sys.modules.get(package) is stand_in:
                raise AttributeError(name)
            return getattr(importlib.import_module(package), name)

    vars(stand_in)["__getattr__"] = find
    sys.modules[package] = stand_in
    try:
        return tuple(importlib.import_module(f"{package}.{name}") for name in names)
    finally:
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]:
            del sys.modules[name]
