"""
Register the app in a tenant: itself, its credential, its permissions, its consent, its settings.

It may be run any number of times, and stopped at any moment: each run reads what there is, works
out what is missing (`plan`, pure), and does that alone.
"""
