"""
The app's registration in a tenant: make or repair it, consent, rotate its certificate, undo it.

`apply` may be run any number of times, and stopped at any moment: each run reads the actual state,
works out what differs from the desired state (`plan`, which is pure), and changes that alone.
"""
