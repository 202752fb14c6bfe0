"""The data sources, made known to a session."""

from pyspark.sql import SparkSession

from graphdaemon.client.spark.changes_source import ChangesSource
from graphdaemon.client.spark.directory_source import DirectorySource


def register(spark: SparkSession) -> None:
    """
    Make `graphdaemon` and `graphdaemon-changes` known to a session.

    The package has to be installed where the driver runs and where the executors run.
    """
    for source in (DirectorySource, ChangesSource):
        spark.dataSource.register(source)
