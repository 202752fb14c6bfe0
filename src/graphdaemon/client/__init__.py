"""The library: settings in, records out; and the bridge for scripts without async."""
