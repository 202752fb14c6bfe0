"""
Print the orders, as an app: with no user signed in.

    pip install -r requirements.txt
    python call_orders.py parameters.json
"""

import sys

import graphdaemon

client = graphdaemon.load(sys.argv[1])
try:
    for order in graphdaemon.blocking(client.list("orders")):
        print(order["number"], order["item"])
except graphdaemon.Error as error:
    # What the API answered, and what to do about it.
    print(f"{error}\nTry: {error.hint}", file=sys.stderr)
    sys.exit(error.exit_code)
