"""
Print the orders, as an app: with no user signed in.

    pip install -r requirements.txt
    python call_orders.py parameters.json
"""

import sys

import graphdaemon

try:
    with graphdaemon.load(sys.argv[1]) as client:
        for order in client.list("orders"):
            print(order["number"], order["item"])
except graphdaemon.Error as error:
    # What the API answered, and what to do about it.
    print(f"{error}\nTry: {error.hint}", file=sys.stderr)
    sys.exit(error.exit_code)
