"""Apache Spark: a directory as a data frame, and its changes as a stream."""
