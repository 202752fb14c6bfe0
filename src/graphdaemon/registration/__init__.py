"""
Register the app in a tenant: itself, its credential, its permissions, its consent, its settings.

It may be run any number of times, and stopped at any moment: each run reads what there is, works
out what is missing (``plan``, pure), and does that alone.
"""

from graphdaemon.registration.actual import Found, look
from graphdaemon.registration.admin_graph import Desk
from graphdaemon.registration.administrator import (
    PUBLIC_CLIENT,
    Administrator,
    sign_in,
    take_app,
    take_az,
)
from graphdaemon.registration.apply import Registered, Registrar
from graphdaemon.registration.change import Change
from graphdaemon.registration.desired import DEFAULT_NAME, KINDS, Trust, Wish, read_name, read_trust
from graphdaemon.registration.local_files import Files
from graphdaemon.registration.plan import Plan, plan_changes
from graphdaemon.registration.undo import plan_undoing, undo
from graphdaemon.registration.verify import verify

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
    "read_name",
    "read_trust",
    "sign_in",
    "take_app",
    "take_az",
    "undo",
    "verify",
]
