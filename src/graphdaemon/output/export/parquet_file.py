"""Export a collection as a Parquet file, which appears at its path when it is complete."""

from contextlib import closing
from pathlib import Path

from graphdaemon.output.arrow.pyarrow_import import load_parquet, load_pyarrow
from graphdaemon.output.atomic_file import AtomicFile
from graphdaemon.output.export.exported_frame import ExportedFrame
from graphdaemon.output.stream import ByteStream
from graphdaemon.store.current import current_records
from graphdaemon.store.store import Store


def write_parquet(store: Store, collection: str, frame: ExportedFrame, path: Path) -> int:
    """
    Write all records of a collection to a Parquet file, and return their number.

    Raises:
        OutputError: The disk is full, or a value does not fit its column. A file that was at `path`
            before is unchanged.
        StoreError: The store cannot be read.
    """
    arrow, parquet = load_pyarrow(), load_parquet()
    file = AtomicFile(path)
    sink = ByteStream(file)
    count = 0
    try:
        with sink.open(), closing(current_records(store, collection)) as batches:
            writer = parquet.ParquetWriter(arrow.PythonFile(sink, mode="w"), frame.schema)
            for records in batches:
                writer.write_table(frame.convert(records))
                count += len(records)
            writer.close()
        file.commit()
    finally:
        file.discard()
    return count
