"""
Modules of a package without its own first lines, where those load what is not needed.

Python runs a package's `__init__` before any of its modules. Here the package is entered by an
empty stand-in, which is gone again afterwards: whoever else imports it gets all of it.
"""

import importlib
import importlib.util
import sys
import threading
from types import ModuleType

_lock = threading.RLock()


def import_parts(package: str, *names: str) -> tuple[ModuleType, ...]:
    """
    Import `names` of `package`; in full, if that has been imported, or it does not work so.

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
        # Somebody on another thread has come upon the stand-in, or a part needs the whole later.
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
