"""The status page: server-rendered, read only, without scripts."""
