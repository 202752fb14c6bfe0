"""
Apache Spark: a directory as a data frame, and its changes as a stream.

`read_directory` lets the executors read a directory, and returns it as a proved data frame;
`register` makes the data sources `graphdaemon` and `graphdaemon-changes` known to a session.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdaemon.client.spark.directory import read_directory as read_directory
    from graphdaemon.client.spark.sources import register as register

_HOMES = {"read_directory": "directory", "register": "sources"}


def __getattr__(name: str) -> object:
    # The options of the data sources are read without Spark, which is an extra.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    from graphdaemon.errors import UsageError

    try:
        home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pyspark", "py4j"):
            raise
        raise UsageError(
            "Spark is read through PySpark, which is not installed",
            code="package_missing",
            hint="Run pip install 'graphdaemon[spark]'.",
        ) from None
    return getattr(home, name)
