"""The frames of Postgres's wire protocol, version 3: enough of it to stand between a client and a server.

PostgreSQL documentation, "Frontend/Backend Protocol", message formats.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path

_TYPE, _LENGTH = 1, 4
_HEAD = _TYPE + _LENGTH
_KEPT = 64
_REFUSED_REQUESTS = {80877103: "SSL", 80877104: "GSSAPI encryption"}
CHUNK = 1 << 16

QUERY, READY, COPY_IN, TERMINATE = b"Q", b"Z", b"G", b"X"
IDLE = b"I"
COMMIT = b"COMMIT\0"


@dataclass(frozen=True)
class Target:
    """A server: the socket file of one on this machine, or its host and port."""

    address: Path | tuple[str, int]

    def connect(self) -> socket.socket:
        """Connect to it; `OSError` where it isn't there."""
        if isinstance(self.address, Path):
            connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connected.connect(str(self.address))
            except OSError:
                connected.close()
                raise
            return connected
        return socket.create_connection(self.address, timeout=None)


@dataclass
class Frames:
    """Follows a stream of messages as it passes by, keeping of each only its beginning."""

    _message: bytearray = field(default_factory=bytearray)
    _missing: int = _HEAD
    _is_body: bool = False

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """Return (type, beginning of the body) of each message that is complete with these bytes."""
        complete, place = [], 0
        while place < len(data):
            taken = min(self._missing, len(data) - place)
            room = max(0, _HEAD + _KEPT - len(self._message))
            self._message += data[place : place + min(taken, room)]
            self._missing -= taken
            place += taken
            if self._missing:
                break
            if not self._is_body:
                (length,) = struct.unpack("!I", self._message[_TYPE:_HEAD])
                self._missing, self._is_body = length - _LENGTH, True
            if self._is_body and not self._missing:
                complete.append((bytes(self._message[:_TYPE]), bytes(self._message[_HEAD:])))
                self._message, self._missing, self._is_body = bytearray(), _HEAD, False
        return complete


def exactly(source: socket.socket, count: int) -> bytes:
    """Read that many bytes; `ConnectionError` where the other side ends before."""
    found = bytearray()
    while len(found) < count:
        part = source.recv(min(CHUNK, count - len(found)))
        if not part:
            raise ConnectionError("the other side has gone away")
        found += part
    return bytes(found)


def read_message(source: socket.socket) -> bytes:
    """Read one whole message, its type and length included."""
    head = exactly(source, _HEAD)
    (length,) = struct.unpack("!I", head[_TYPE:])
    return head + exactly(source, length - _LENGTH)


def read_startup(client: socket.socket) -> bytes:
    """Read a client's first packet, whole; encryption, where it asks for that first, is refused."""
    while True:
        head = exactly(client, _LENGTH + 4)
        length, code = struct.unpack("!II", head)
        if code not in _REFUSED_REQUESTS:
            return head + exactly(client, length - len(head))
        client.sendall(b"N")


def startup_packet(parameters: dict[str, str]) -> bytes:
    """Return the packet that opens a session with these parameters (`user`, `database`, …)."""
    words = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
    return struct.pack("!II", len(words) + 8, 3 << 16) + words


def startup_parameters(packet: bytes) -> dict[str, str]:
    """Return the parameters of a client's first packet."""
    words = packet[8:].decode().split("\0")
    return dict(zip(words[0::2], words[1::2], strict=False))


def hang_up(*ends: socket.socket) -> None:
    """End connections at once and without a farewell, as a cut does; who waits for them wakes up."""
    for end in ends:
        try:
            if end.family == socket.AF_INET:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue  # it has gone already
