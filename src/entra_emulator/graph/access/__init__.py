"""Which permissions a request needs, and what it costs."""
