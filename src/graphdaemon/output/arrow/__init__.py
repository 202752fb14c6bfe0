"""Records as Arrow has them, in columns of real types, for Parquet, Delta Lake and data frames."""
