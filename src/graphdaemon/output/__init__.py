"""
Records to a stream or a file: json, ndjson, csv, table or parquet; memory stays flat.

`spec` says what shall become of them, `sink` does it. A writer's `finish` is called only
when the listing is complete: what was cut short by an error stays unclosed, and so cannot be taken
for the whole.
"""
