"""
How fast a directory can be listed: our command and others', against one server of prepared pages.

    .venv/bin/python -m bench.listing --help
"""
