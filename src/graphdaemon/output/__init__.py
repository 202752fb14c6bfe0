"""
Write records to a stream or a file, as json, ndjson, csv, table or parquet.

`spec` describes the output, and `sink` writes it. Memory does not grow with the number of records.
A writer's `finish` is called only when the listing is complete. An output that an error cut short
has no end, so that nobody takes it for a complete one.
"""
