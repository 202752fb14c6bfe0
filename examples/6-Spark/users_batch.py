"""Write every user of a directory to Parquet: users_batch.py PARAMETERS FOLDER."""

import sys

from pyspark.sql import SparkSession

from graphdaemon.client.spark import read_directory

parameters, folder = sys.argv[1:3]
spark = SparkSession.builder.appName("users").getOrCreate()
users = read_directory(
    spark,
    "users",
    select=["displayName", "userPrincipalName", "accountEnabled", "assignedLicenses"],
    parameters=parameters,
    staging=f"{folder}/staging",
    on_record=lambda record: print(record.summary()),
)
users.write.mode("overwrite").parquet(f"{folder}/users")
