"""The database in which a directory is kept: SQLite or PostgreSQL, with the same tables."""
