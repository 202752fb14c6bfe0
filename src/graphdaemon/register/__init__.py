"""
Register the app in a tenant: itself, its credential, its permissions, its consent, its settings.

It may be run any number of times, and stopped at any moment: each run reads what there is, works
out what is missing (``plan``, pure), and does that alone.
"""

from graphdaemon.register.administrator import (
    PUBLIC_CLIENT,
    Administrator,
    sign_in,
    take_app,
    take_az,
)
from graphdaemon.register.change import Change
from graphdaemon.register.desk import Desk
from graphdaemon.register.found import Found, look
from graphdaemon.register.local import Files
from graphdaemon.register.plan import Plan, plan_changes
from graphdaemon.register.prove import prove
from graphdaemon.register.registrar import Registered, Registrar
from graphdaemon.register.undo import plan_undoing, undo
from graphdaemon.register.wish import DEFAULT_NAME, KINDS, Trust, Wish, read_name, read_trust

__all__ = [
    "DEFAULT_NAME",
    "KINDS",
    "PUBLIC_CLIENT",
    "Administrator",
    "Change",
    "Desk",
    "Files",
    "Found",
    "Plan",
    "Registered",
    "Registrar",
    "Trust",
    "Wish",
    "look",
    "plan_changes",
    "plan_undoing",
    "prove",
    "read_name",
    "read_trust",
    "sign_in",
    "take_app",
    "take_az",
    "undo",
]
