"""
Your own protected API: validates the access tokens that its callers send.

`load` reads the settings. `ProtectedApi.check` returns the caller, or raises `CallerRefusedError`
with the answer. `asgi_middleware`, `wsgi_middleware` and `dependency` do this for web frameworks.
"""

from graphdaemon.errors import CallerRefusedError as CallerRefusedError
from graphdaemon.protect.api import ProtectedApi as ProtectedApi
from graphdaemon.protect.api import load as load
from graphdaemon.protect.asgi import asgi_middleware as asgi_middleware
from graphdaemon.protect.caller import Caller as Caller
from graphdaemon.protect.dependency import dependency as dependency
from graphdaemon.protect.requirement import Requirement as Requirement
from graphdaemon.protect.requirement import require as require
from graphdaemon.protect.revocation import check_issued as check_issued
from graphdaemon.protect.wsgi import wsgi_middleware as wsgi_middleware
