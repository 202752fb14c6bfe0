"""
The emulator's portal: pages on which people do what programs do through Graph.

The pages have the names and the order of those in the Microsoft Entra admin center. Every change is
made by Graph's own functions as the signed-in user. So a click has the same effect as the request,
and is refused if the request would be.
"""
