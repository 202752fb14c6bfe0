"""Import pyarrow, which is an extra, takes a fifth of a second to import, and has no type hints."""

from typing import Any

from graphdaemon.errors import UsageError


def load_pyarrow() -> Any:
    """
    Import pyarrow.

    Raises:
        UsageError: It is not installed.
    """
    try:
        import pyarrow as pa
    except ModuleNotFoundError:
        raise UsageError(
            "Parquet and data frames need pyarrow, which is not installed",
            code="package_missing",
            hint="Run pip install 'graphdaemon[parquet]'.",
        ) from None
    return pa


def load_parquet() -> Any:
    """
    Import `pyarrow.parquet`, which writes Parquet.

    Raises:
        UsageError: pyarrow is not installed.
    """
    load_pyarrow()
    import pyarrow.parquet as pq

    return pq


def load_json_reader() -> Any:
    """
    Import `pyarrow.json`, which reads lines of JSON.

    Raises:
        UsageError: pyarrow is not installed.
    """
    load_pyarrow()
    import pyarrow.json as pj

    return pj


def load_compute() -> Any:
    """
    Import `pyarrow.compute`, which filters.

    Raises:
        UsageError: pyarrow is not installed.
    """
    load_pyarrow()
    import pyarrow.compute as pc

    return pc
