"""The database of all tenants, and the parts that read and write it."""
