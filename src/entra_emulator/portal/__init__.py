"""
The emulator's portal: pages to do by hand what programs do through Graph.

Its pages have the names and the order of the Microsoft Entra admin center's. Whatever a page
changes goes through Graph's own functions as the signed-in user, so that a click makes exactly
what a request would make, and is refused where a request would be.
"""
