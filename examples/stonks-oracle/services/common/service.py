"""What all services have in common: an HTTP server with a health check and one operation."""

import json
import os
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Operation = Callable[[dict], dict]


def answer(name: str, operation: Operation, path: str, body: bytes) -> tuple[int, dict]:
    """The status and document for a request; kept apart from the server so that it can be tested."""
    if path == "/health":
        return 200, {"service": name, "status": "ok"}
    if path != "/run":
        return 404, {"error": f"{path} is not known"}
    try:
        return 200, operation(json.loads(body or b"{}"))
    except (KeyError, TypeError, ValueError) as error:
        return 400, {"error": str(error)}


def serve(name: str, operation: Operation) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(b"")

        def do_POST(self) -> None:
            self.reply(self.rfile.read(int(self.headers.get("content-length", 0))))

        def reply(self, body: bytes) -> None:
            status, document = answer(name, operation, self.path, body)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
