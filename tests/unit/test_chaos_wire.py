"""The network of `make chaos`: it follows Postgres's messages however they arrive, and cuts where it is told to."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from benchmarks.chaos.between import LOCAL
from benchmarks.chaos.proxy import Proxy
from benchmarks.chaos.wire import COMMIT, QUERY, READY, Frames, Target, read_message, startup_packet, startup_parameters


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


QUERIES = [(QUERY, COMMIT), (b"d", b"x" * 5_000), (b"S", b""), (QUERY, b"select 1\0")]
IDLE_NOW = message(READY, b"I")


@pytest.mark.parametrize("piece", [1, 3, 5, 64, 100_000])
def test_messages_are_followed_however_they_are_split(piece: int) -> None:
    stream = b"".join(message(*one) for one in QUERIES)
    frames = Frames()
    found = [one for place in range(0, len(stream), piece) for one in frames.feed(stream[place : place + piece])]
    assert [kind for kind, _ in found] == [kind for kind, _ in QUERIES]
    assert [body for _, body in found] == [body[:64] for _, body in QUERIES]


def test_a_startup_packet_says_who_asks_for_what() -> None:
    wanted = {"user": "job", "database": "warehouse"}
    assert {name: startup_parameters(startup_packet(wanted))[name] for name in wanted} == wanted


@contextmanager
def server() -> Iterator[tuple[Target, list[bytes]]]:
    """A server that answers every message with `ready`, and keeps what it was asked."""
    asked: list[bytes] = []
    listener = socket.create_server((LOCAL, 0))

    def serve(client: socket.socket) -> None:
        with client, suppress(OSError):
            (length,) = struct.unpack("!I", client.recv(4))
            client.recv(length - 4)
            client.sendall(IDLE_NOW)
            while True:
                asked.append(read_message(client))
                client.sendall(IDLE_NOW)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield Target(listener.getsockname()), asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@contextmanager
def session(proxy: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection((LOCAL, proxy.port), timeout=5) as client:
        client.sendall(struct.pack("!II", 8, 80877103))
        assert client.recv(1) == b"N", "encryption is refused, or nothing could be followed"
        client.sendall(startup_packet({"user": "job"}))
        assert read_message(client) == IDLE_NOW
        yield client


def ask(client: socket.socket, query: bytes) -> bytes:
    client.sendall(message(QUERY, query))
    return read_message(client)


def test_what_is_not_disturbed_passes() -> None:
    with server() as (target, asked), Proxy(target) as proxy, session(proxy) as client:
        assert ask(client, b"select 1\0") == ask(client, COMMIT) == IDLE_NOW
        assert (len(asked), proxy.commits) == (2, 1)


def test_a_cut_ends_both_sides_and_the_next_session_passes() -> None:
    with server() as (target, _), Proxy(target) as proxy, session(proxy) as client:
        assert proxy.cut() == 1
        with pytest.raises(ConnectionError):
            ask(client, b"select 1\0")
        with session(proxy) as another:
            assert ask(another, b"select 1\0") == IDLE_NOW


def test_a_commit_is_done_and_its_answer_never_heard() -> None:
    with server() as (target, asked), Proxy(target) as proxy, session(proxy) as client:
        proxy.swallow_commit(2)
        assert ask(client, COMMIT) == IDLE_NOW
        with pytest.raises(ConnectionError):
            ask(client, COMMIT)
        assert asked == [message(QUERY, COMMIT)] * 2
        assert proxy.has_swallowed


def test_a_network_that_is_down_lets_nobody_through_until_it_heals() -> None:
    with server() as (target, _), Proxy(target) as proxy:
        proxy.refuse()
        with pytest.raises(ConnectionError), session(proxy):
            pass
        proxy.heal()
        with session(proxy) as client:
            assert ask(client, b"select 1\0") == IDLE_NOW
