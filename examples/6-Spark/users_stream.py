"""Add what has changed to a log in Parquet: users_stream.py PARAMETERS FOLDER."""

import sys

from pyspark.sql import SparkSession

from graphdaemon.client.spark import register

parameters, folder = sys.argv[1:3]
spark = SparkSession.builder.appName("changes of users").getOrCreate()
register(spark)
changes = (
    spark.readStream.format("graphdaemon-changes")
    .option("collection", "users")
    .option("parameters", parameters)
    .option("store", f"sqlite:{folder}/store.db")
    .load()
)
query = (
    changes.writeStream.format("parquet")
    .option("path", f"{folder}/changes")
    .option("checkpointLocation", f"{folder}/checkpoint")
    .trigger(availableNow=True)
    .start()
)
query.awaitTermination()

# The users as they are now: of each the latest row, if that does not say that the user is gone.
log = spark.read.parquet(f"{folder}/changes")
log.createOrReplaceTempView("changes")
users = spark.sql("""
    SELECT * FROM (
      SELECT *, row_number() OVER (PARTITION BY id ORDER BY graphdaemon_run DESC) AS place
      FROM changes
    ) WHERE place = 1 AND graphdaemon_state = 'present'
""")
print(f"{users.count()} users")
