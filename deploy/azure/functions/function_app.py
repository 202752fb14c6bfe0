"""
An Azure Function that brings a database into step, every ten minutes or every night.

The settings stand in the Function App's application settings, as in local.settings.json:
GRAPHDAEMON_SCHEDULE (six fields, the first of which are seconds, in UTC), GRAPHDAEMON_STORE, and
for the app's own managed identity AZURE_TENANT_ID, AZURE_CLIENT_ID and
GRAPHDAEMON_MANAGED_IDENTITY.
"""

import azure.functions as func

from graphdaemon import cli

app = func.FunctionApp()


# One instance alone runs a timer, and it does not begin again before it has ended.
@app.timer_trigger(schedule="%GRAPHDAEMON_SCHEDULE%", arg_name="timer", run_on_startup=False)
def sync(timer: func.TimerRequest) -> None:  # noqa: ARG001  the Functions host passes it by its name
    """Sync; a failure is the invocation's, with the exit code that says of what kind it is."""
    code = cli.run(["sync", "--wait", "60"])
    if code:
        raise RuntimeError(f"graphdaemon sync ended with {code}; the log says why")
