"""The package where Spark is not installed."""

from __future__ import annotations

import importlib.util

import pytest

from graphdaemon.client import spark
from graphdaemon.errors import UsageError


def test_other_names_do_not_exist() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        spark.nothing_like_it  # noqa: B018  asking is the test


@pytest.mark.parametrize("name", ["read_directory", "register"])
def test_without_pyspark_the_extra_is_named(name: str) -> None:
    """Whoever lacks the half gigabyte is told how to get it."""
    if importlib.util.find_spec("pyspark") is not None:
        pytest.skip("pyspark is installed here")
    with pytest.raises(UsageError, match="PySpark, which is not installed") as caught:
        getattr(spark, name)

    assert caught.value.hint == "Run pip install 'graphdaemon[spark]'."
