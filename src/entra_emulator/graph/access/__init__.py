"""Whether a request to Graph may be made: its permissions, and what it costs."""
