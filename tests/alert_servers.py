"""A webhook and a mail server of this machine that keep what they are sent."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """A webhook: what it was posted, and what it answers."""

    url: str
    posted: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: int = 200
    location: str = ""
    pause_seconds: float = 0.0

    @property
    def texts(self) -> list[str]:
        """All that each message says, in one string."""
        return [json.dumps(payload, ensure_ascii=False) for payload in self.posted]


@dataclass
class Mailbox:
    """A mail server: what it took, what it refuses, and the commands that it heard."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    refused: tuple[str, ...] = ()


@contextmanager
def webhook(path: str = "/services/T00/B00/the-hook-secret") -> Iterator[Hook]:
    """Run a webhook on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.headers.append(dict(self.headers))
            if hook.pause_seconds:
                stopped.wait(hook.pause_seconds)
            hook.posted.append(json.loads(body))
            self.send_response(hook.answer)
            if hook.location:
                self.send_header("Location", hook.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            hook.headers.append({"method": "GET"})
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    stopped = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook = Hook(f"http://127.0.0.1:{server.server_port}{path}")
    with _serving(server):
        yield hook
        stopped.set()


@contextmanager
def mailbox(*, refused: tuple[str, ...] = ()) -> Iterator[Mailbox]:
    """Run a mail server without encryption on a free port of this machine."""
    box = Mailbox(refused=refused)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline():
                command = line.decode().strip()
                box.heard.append(command)
                word = command.split(" ")[0].upper()
                if word == "DATA":
                    self._say("354 go on")
                    box.mails.append(message_from_bytes(self._data(), policy=policy.default))
                    self._say("250 taken")
                elif word == "QUIT":
                    self._say("221 bye")
                    return
                elif word == "RCPT" and any(name in command for name in box.refused):
                    self._say("550 nobody here")
                else:
                    self._say(
                        "250-here\r\n250 AUTH PLAIN" if word == "EHLO" else "235 ok" if word == "AUTH" else "250 ok"
                    )

        def _data(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line)
            return b"".join(lines)

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    box.port = server.server_address[1]
    with _serving(server):
        yield box


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
