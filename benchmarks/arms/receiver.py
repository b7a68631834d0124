"""A partner's endpoint: takes notifications; GET tells what came since the last GET."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

came: list[str] = []


class Handler(BaseHTTPRequestHandler):
    """Keeps the resources of each notification."""

    def do_POST(self) -> None:
        """Take a notification."""
        bundle = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        came.extend(entry["fullUrl"] for entry in bundle["entry"][1:])
        self._answer(b"")

    def do_GET(self) -> None:
        """Tell what came, and forget it."""
        told, came[:] = json.dumps(came).encode(), []
        self._answer(told)

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
