"""One command for every tenant of a folder: `--tenants DIR`."""
