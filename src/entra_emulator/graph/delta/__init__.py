"""Delta queries: what changed since a client last asked."""
