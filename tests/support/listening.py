"""An application that listens on a socket, in this process: a real server a test can look into."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from bridge.api.hot_connections import HotConnection


@contextmanager
def listening(
    app: FastAPI, send_buffer: int = 0, http: type[asyncio.Protocol] = HotConnection
) -> Iterator[str]:
    """Serve an application until the block ends; yields its address.

    Args:
        app: what is served.
        send_buffer: bytes the machine takes for a client that does not read; 0 for its own choice.
        http: what a connection is.
    """
    with socket.socket() as place:
        if send_buffer:  # connections that are accepted inherit it
            place.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        place.bind(("127.0.0.1", 0))
        server = uvicorn.Server(
            uvicorn.Config(app, http=http, access_log=False, log_config=None, server_header=False)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{place.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            thread.join()
