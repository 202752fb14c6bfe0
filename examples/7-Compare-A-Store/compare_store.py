"""Compare a store with a listing: compare_store.py graphdaemon.db users < users.ndjson."""

import json
import sqlite3
import sys


def plain(record):
    # Lists of the directory have no order.
    return {k: sorted(v, key=json.dumps) if isinstance(v, list) else v for k, v in record.items()}


file, view = sys.argv[1:]
store = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
rows = store.execute(f"SELECT id, document FROM {view}")  # noqa: S608  who runs it names the view
kept = {key: json.loads(document) for key, document in rows}
listed = {record["id"]: record for record in map(json.loads, sys.stdin)}
differing = [
    key
    for key in sorted(kept.keys() | listed.keys())
    if key not in kept or key not in listed or plain(kept[key]) != plain(listed[key])
]
print(f"{len(kept)} kept, {len(listed)} listed, {len(differing)} different", *differing, sep="\n")
sys.exit(1 if differing else 0)
