"""
An API of one's own: it lets apps in by the app roles in their tokens.

    pip install -r requirements.txt
    uvicorn orders_api:app --port 8444 --ssl-keyfile api.key --ssl-certfile api.pem
"""

import pathlib

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route

from graphdaemon import protect

# Whose tokens are taken, and which of these roles a caller needs one of.
api = protect.load(pathlib.Path(__file__).with_name("api_parameters.json"))
writing = protect.require("Orders.ReadWrite.All")

orders = [{"number": 1, "item": "ink"}, {"number": 2, "item": "paper"}]


async def list_orders(_request):
    # The count tells `graphdaemon list` that these are all.
    return JSONResponse({"@odata.count": len(orders), "value": orders})


async def add_order(request):
    order = {"number": len(orders) + 1, "item": str((await request.json())["item"])}
    orders.append(order)
    # Who calls was read from the token, which has been validated by now.
    print(f"{request.state.caller.client_id} has added order {order['number']}")
    return JSONResponse(order, 201)


reader = Middleware(protect.asgi_middleware, api=api)
writer = Middleware(protect.asgi_middleware, api=api, requirement=writing)
app = Starlette(
    routes=[
        Route("/orders", list_orders, methods=["GET"], middleware=[reader]),
        Route("/orders", add_order, methods=["POST"], middleware=[writer]),
    ]
)
