"""Keep a Delta table of the users who are there now in step: users_delta.py PARAMETERS FOLDER."""

import sys

from deltalake import DeltaTable
from pyspark.sql import SparkSession

from graphdaemon.client.spark import register

parameters, folder = sys.argv[1:3]


def merge(batch, _number):
    """A batch that is repeated, since somebody was killed, changes nothing."""
    rows = batch.toArrow()
    table = DeltaTable.create(f"{folder}/users-delta", rows.schema, mode="ignore")
    is_present = "changes.graphdaemon_state = 'present'"
    (
        table.merge(rows, "users.id = changes.id", source_alias="changes", target_alias="users")
        .when_matched_delete(f"NOT ({is_present})")
        .when_matched_update_all()
        .when_not_matched_insert_all(is_present)
        .execute()
    )


spark = SparkSession.builder.appName("users in Delta").getOrCreate()
register(spark)
changes = (
    spark.readStream.format("graphdaemon-changes")
    .option("collection", "users")
    .option("parameters", parameters)
    .option("store", f"sqlite:{folder}/store.db")
    .load()
)
query = (
    changes.writeStream.foreachBatch(merge)
    .option("checkpointLocation", f"{folder}/checkpoint-delta")
    .trigger(availableNow=True)
    .start()
)
query.awaitTermination()
print(f"{DeltaTable(f'{folder}/users-delta').count()} users")
