"""What is particular to one collection: one file each."""
