"""
Microsoft Graph: reads requests, and answers them.

`router` finds the endpoint of a path, `access` decides what its caller may do there, and `query`
reads the query options. `objects` has the operations of all types of directory objects, `resources`
those of each collection, `write` the rules for bodies, and `delta` the delta queries. `answer`
writes the answers.
"""

# Importing a collection enters its navigation properties in `NAVIGATIONS`.
import entra_emulator.graph.routes  # noqa: F401 - imported for what it enters
