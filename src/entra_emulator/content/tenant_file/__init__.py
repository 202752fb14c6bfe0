"""A tenant described in a TOML file: which keys there are, reading it, making the tenant of it."""
