"""The database that a directory is kept in: SQLite or PostgreSQL, with one set of tables."""
