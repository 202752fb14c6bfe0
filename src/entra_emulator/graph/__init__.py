"""
Microsoft Graph: what its requests mean, and how it answers them.

`router` finds the endpoint of a path, `access` what its caller may do there, `query` what its
options mean. `objects` has what every type of directory object can, `resources` what is particular
about each collection, `write` what bodies must be like, `delta` what changed. `answer` writes the
answer.
"""

# Every collection enters its navigation properties in `NAVIGATIONS` when it is imported.
import entra_emulator.graph.routes  # noqa: F401 - imported for what it enters
