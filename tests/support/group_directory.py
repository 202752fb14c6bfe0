"""A Graph with groups and members, and without delta: what is listed there, nothing proves."""

from tests.support.scripted_server import Answer, Request, ScriptedServer, json_answer, page

GROUP = "33333333-3333-4333-8333-333333333333"


class Directory:
    """A Graph without delta: two groups of one name, and one with three members."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self.names = {"Sales": [GROUP], "Twins": [GROUP, GROUP[::-1]], "Bo's": [GROUP]}

    def __call__(self, request: Request) -> Answer:
        path, _, options = request.target.partition("?")
        if path.endswith("/delta"):
            return json_answer({"error": {"code": "BadRequest", "message": "No."}}, 400)
        wanted = options.partition("eq%20'")[2].partition("'%20or")[0].replace("''", "'")
        if path == "/v1.0/groups/$count":
            return Answer(200, str(len(self.names.get(wanted, [])) if wanted else 2).encode())
        if path == "/v1.0/groups" and wanted:
            return page(*({"id": id_} for id_ in self.names.get(wanted, [])))
        if path == f"/v1.0/groups/{GROUP}/members/$count":
            return Answer(200, b"3")
        if path == f"/v1.0/groups/{GROUP}/members":
            return page(*({"id": str(n), "displayName": f"M{n}"} for n in range(3)))
        if path == "/v1.0/groups":
            link = f"{self._server.url}/v1.0/groups?$skiptoken=1" if "skip" not in options else None
            return page({"id": options[-4:], "displayName": "G"}, next_link=link)
        return Answer(404)
